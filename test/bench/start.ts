import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { placeWeights } from '../helpers/weights.ts'
import { firstTokenOf } from './first-token.ts'
import { table } from './overhead.ts'
import { median, root } from './processes.ts'
import type { Section } from './report.ts'

const repetitions = 5

type Start = { listening: number; ready: number; first: number }

/** From the command a user types to the first token, with everything installed and the model in place. */
export async function measureStart(): Promise<Section> {
  const home = mkdtempSync(join(tmpdir(), 'outpost-bench-home-'))
  const starts: Start[] = []
  try {
    await placeWeights(home)
    // The first start of all compiles what the others find compiled.
    await startOnce(home)
    for (let i = 0; i < repetitions; i++) starts.push(await startOnce(home))
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 5 })
  }
  const row = (what: string, key: keyof Start) => {
    const values = starts.map((start) => start[key])
    return [what, `${median(values).toFixed(0)} ms`, `${Math.min(...values).toFixed(0)} ms`]
  }
  return {
    title: 'Start',
    text: [
      `From the command \`npm start\`, all installed and SmolLM2 in place (${repetitions} starts). The first request is sent as soon as the address is printed, so it waits for the queue and the model like any other.`,
      table(
        ['after', 'median', 'best'],
        [row('listening', 'listening'), row('model ready', 'ready'), row('first token of the first request', 'first')]
      )
    ]
  }
}

async function startOnce(home: string): Promise<Start> {
  const startedAt = performance.now()
  const since = () => performance.now() - startedAt
  const env = { ...process.env, OUTPOST_HOME: home, OUTPOST_LOG_LEVEL: 'error' }
  // A process group of its own, to be ended as a whole like a terminal does with Ctrl-C.
  const npm = spawn('npm', ['start', '--', '--port', '0'], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  const ended = once(npm, 'exit')
  let output = ''
  let listening = 0
  let ready = 0
  let answer: Promise<number> | undefined
  try {
    for await (const text of npm.stdout.setEncoding('utf8')) {
      output += text
      const port = /listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1]
      if (port !== undefined && answer === undefined) {
        listening = since()
        const messages = [{ role: 'user', content: 'Say hello.' }]
        answer = firstTokenOf(Number(port), { model: 'smollm2', temperature: 0, max_tokens: 1, messages }).then(({ ms }) => listening + ms)
      }
      if (ready === 0 && output.includes('Ready with')) ready = since()
      if (ready > 0 && answer !== undefined) return { listening, ready, first: await answer }
    }
    throw new Error(`it did not start: ${output}`)
  } finally {
    if (npm.pid !== undefined && npm.exitCode === null) process.kill(-npm.pid, 'SIGINT')
    await ended
  }
}
