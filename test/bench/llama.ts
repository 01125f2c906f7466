import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../helpers/free-port.ts'
import { chatWeights, placeWeights } from '../helpers/weights.ts'
import type { BareReport } from './bare-loop.ts'
import { firstTokenOf } from './first-token.ts'
import { table } from './overhead.ts'
import { cpuMs, median, startLoad, startServer } from './processes.ts'
import type { Section } from './report.ts'

const repetitions = 3
const slots = 8
const tokens = 128
const model = 'smollm2'
const body = JSON.stringify({
  model,
  stream: true,
  temperature: 0,
  max_tokens: tokens,
  ignore_eos: true,
  messages: [{ role: 'user', content: 'Tell a long story about a lighthouse.' }]
})

type Side = { name: string; pid: number; run(streams: number): Promise<number>; stop(): Promise<void> }
type Figure = { perSecond: number; cpuPerToken: number }

/** The whole product on the real model, beside a bare loop and, where `LLAMA_SERVER` names it, llama.cpp's server. */
export async function measureLlama(): Promise<Section> {
  const threads = Math.max(1, availableParallelism() - 1)
  const load = startLoad()
  const sides: Side[] = []
  const home = mkdtempSync(join(tmpdir(), 'outpost-bench-home-'))
  try {
    await placeWeights(home)
    const outpost = await openOutpost(home, load, {})
    sides.push(outpost, await openBare(threads))
    if (process.env['LLAMA_SERVER'] !== undefined) sides.push(await openLlamaServer(process.env['LLAMA_SERVER'], threads, load))
    const speed = await compareSpeed(sides)
    const turns = await measureSecondTurn(outpost.port)
    for (const side of sides.splice(0).reverse()) await side.stop()
    const busy: string[][] = []
    for (const count of new Set([threads, availableParallelism()])) busy.push(await measureBusy(home, load, count))
    return {
      title: 'llama engine',
      text: [
        `SmolLM2-135M-Instruct Q4_1, ${threads} thread${threads === 1 ? '' : 's'}, ${slots} slots, ${tokens} tokens a stream at temperature 0, tokens/s of all streams together. "Bare" is a loop over node-llama-cpp's \`sequence.evaluate()\` with the same settings. Median of ${repetitions} interleaved repetitions; ratios are medians of the ratios of neighbours. Processor time per token is that of the process that computes, and less sensitive to what else the machine does.`,
        speed,
        turns,
        'One stream alone, and with one busy loop a core beside it:',
        table(['threads allowed', 'alone', 'with busy loops', 'ratio', 'processor per token alone', 'with busy loops'], busy)
      ]
    }
  } finally {
    for (const side of sides.reverse()) await side.stop()
    await load.stop()
    rmSync(home, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function compareSpeed(sides: Side[]): Promise<string> {
  const rows: string[][] = []
  for (const side of sides) await side.run(slots)
  for (const streams of [1, 4, 8]) {
    const figures = sides.map((): Figure[] => [])
    for (let i = 0; i < repetitions; i++) for (const [index, side] of sides.entries()) figures[index]?.push(await measure(side, streams))
    const own = figures[0] ?? []
    for (const [index, { name }] of sides.entries()) {
      const other = figures[index] ?? []
      const ratio = (of: (figure: Figure) => number) => median(own.map((figure, i) => of(figure) / of(other[i] ?? figure)))
      rows.push([
        String(streams),
        name,
        median(other.map(({ perSecond }) => perSecond)).toFixed(1),
        `${median(other.map(({ cpuPerToken }) => cpuPerToken)).toFixed(1)} ms`,
        index === 0 ? '' : percent(ratio(({ perSecond }) => perSecond)),
        index === 0 ? '' : percent(1 / ratio(({ cpuPerToken }) => cpuPerToken))
      ])
    }
  }
  return table(['streams', 'what', 'tokens/s', 'processor per token', 'Outpost has of its tokens/s', 'and of its tokens per processor second'], rows)
}

async function measure(side: Side, streams: number): Promise<Figure> {
  const before = cpuMs(side.pid)
  const wallMs = await side.run(streams)
  const count = streams * tokens
  return { perSecond: count / (wallMs / 1000), cpuPerToken: (cpuMs(side.pid) - before) / count }
}

async function openOutpost(home: string, load: ReturnType<typeof startLoad>, env: Record<string, string>): Promise<Side & { port: number }> {
  const server = await startServer({ OUTPOST_SLOTS: String(slots), ...env }, undefined, home)
  return {
    name: 'Outpost',
    port: server.port,
    pid: server.pids().workers[0] ?? 0,
    run: (streams) => runLoad(load, server.port, streams),
    stop: () => server.stop()
  }
}

async function runLoad(load: ReturnType<typeof startLoad>, port: number, streams: number): Promise<number> {
  const report = await load.run({ kind: 'closed-loop', port, streams, requests: streams, body })
  if (report.failed > 0) throw new Error(`${report.failed} requests failed while measuring`)
  return report.wallMs
}

async function openBare(threads: number): Promise<Side> {
  const child = fork(join(import.meta.dirname, 'bare-loop.ts'), [String(slots), String(threads)], {
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' }
  })
  await once(child, 'message')
  return {
    name: 'bare loop',
    pid: child.pid ?? 0,
    async run(streams) {
      child.send({ streams, tokens })
      const [{ wallMs }] = (await once(child, 'message')) as [BareReport]
      return wallMs
    },
    stop: () => end(child, () => child.disconnect())
  }
}

async function openLlamaServer(path: string, threads: number, load: ReturnType<typeof startLoad>): Promise<Side> {
  const port = await freePort()
  const settings = ['-np', String(slots), '-c', String(slots * 8192), '-t', String(threads), '-tb', String(threads)]
  const child = spawn(path, ['-m', await chatWeights(), ...settings, '--host', '127.0.0.1', '--port', String(port)], { stdio: 'ignore' })
  await once(child, 'spawn')
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${path} ended with ${child.exitCode}`)
    const isUp = await fetch(`http://127.0.0.1:${port}/health`).then(
      ({ ok }) => ok,
      () => false
    )
    if (isUp) break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return {
    name: "llama.cpp's server",
    pid: child.pid ?? 0,
    run: (streams) => runLoad(load, port, streams),
    stop: () => end(child, () => child.kill('SIGTERM'))
  }
}

/** A chat with a long history: what the second turn saves by finding the first in the cache. */
async function measureSecondTurn(port: number): Promise<string> {
  const history = `Notes of today, ${Date.now()}: ${'The keeper lit the lamp and wrote the weather down. '.repeat(250)}`
  const messages = [{ role: 'user', content: history }]
  const first = await firstTokenOf(port, { model, temperature: 0, max_tokens: 16, messages })
  const second = await firstTokenOf(port, {
    model,
    temperature: 0,
    max_tokens: 16,
    messages: [...messages, { role: 'assistant', content: first.text }, { role: 'user', content: 'And what came then?' }]
  })
  return `Second turn of a chat with ${first.promptTokens} tokens of history: first token after ${second.ms.toFixed(0)} ms, in the first turn after ${first.ms.toFixed(0)} ms: **${percent(second.ms / first.ms)}**.`
}

async function measureBusy(home: string, load: ReturnType<typeof startLoad>, threads: number): Promise<string[]> {
  const side = await openOutpost(home, load, { OUTPOST_THREADS: String(threads) })
  const alone: Figure[] = []
  const beside: Figure[] = []
  try {
    await side.run(1)
    for (let i = 0; i < repetitions; i++) {
      alone.push(await measure(side, 1))
      const loops = Array.from({ length: availableParallelism() }, () => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }))
      try {
        beside.push(await measure(side, 1))
      } finally {
        for (const loop of loops) await end(loop, () => loop.kill('SIGKILL'))
      }
    }
  } finally {
    await side.stop()
  }
  const [speedAlone, speedBeside] = [alone, beside].map((figures) => median(figures.map(({ perSecond }) => perSecond))) as [number, number]
  const costs = [alone, beside].map((figures) => `${median(figures.map(({ cpuPerToken }) => cpuPerToken)).toFixed(1)} ms`)
  return [String(threads), speedAlone.toFixed(1), speedBeside.toFixed(1), percent(speedBeside / speedAlone), ...costs]
}

async function end(child: ChildProcess, ask: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  ask()
  await ended
}

const percent = (ratio: number) => `${(ratio * 100).toFixed(1)} %`
