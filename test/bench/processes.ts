import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LoadOrder, LoadReport } from './load.ts'

export const root = join(import.meta.dirname, '../..')

export type BenchServer = {
  port: number
  pid: number
  home: string
  /** From the command to its address on the terminal. */
  listeningMs: number
  pids(): { gateway: number; workers: number[]; redis: number }
  /** As a power cut does, for this one process. The home stays. */
  kill(): Promise<void>
  stop(): Promise<void>
}

/** What `npm start` gives Node before the program. */
function startFlags(): string[] {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } }
  return scripts.start.split(' ').filter((word) => word.startsWith('--'))
}

/** A whole Outpost in processes of its own, in `ownHome` or in a folder that goes with it, on any free port when none is given. */
export async function startServer(env: Record<string, string>, catalogue?: object, ownHome?: string, ownPort = 0): Promise<BenchServer> {
  const home = ownHome ?? mkdtempSync(join(tmpdir(), 'outpost-bench-'))
  if (catalogue !== undefined) {
    mkdirSync(join(home, 'models'), { recursive: true })
    writeFileSync(join(home, 'models', 'catalogue.json'), JSON.stringify(catalogue))
  }
  const startedAt = performance.now()
  let listeningMs = 0
  const child = spawn(process.execPath, [...startFlags(), join(root, 'server/main.ts'), 'serve', '--port', String(ownPort)], {
    env: { ...process.env, OUTPOST_HOME: home, OUTPOST_LOG_LEVEL: 'error', ...env },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  let output = ''
  child.stdout.setEncoding('utf8')
  for await (const text of child.stdout.iterator({ destroyOnReturn: false })) {
    output += text
    if (listeningMs === 0 && output.includes('listens')) listeningMs = performance.now() - startedAt
    if (/Ready with/.test(output)) break
  }
  child.stdout.resume()
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(output)?.[1])
  if (!(port > 0)) throw new Error(`the server did not start: ${output}`)
  const pid = child.pid ?? 0
  return {
    port,
    pid,
    home,
    listeningMs,
    pids() {
      const redis = Number(readFileSync(join(home, 'redis', 'redis.pid'), 'utf8'))
      return { gateway: pid, redis, workers: childrenOf(pid).filter((other) => commandOf(other).includes('worker')) }
    },
    async kill() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
    async stop() {
      child.kill('SIGTERM')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      if (ownHome === undefined) rmSync(home, { recursive: true, force: true, maxRetries: 5 })
    }
  }
}

export type BenchProcess = { port: number; pid: number; stop(): Promise<void> }

/** The same engine inside the HTTP process. */
export const startFloor = () => startPart('floor.ts')

/** Nothing but writing to sockets: see there. */
export const startBareWrites = (tokens: number, stepMs: number) => startPart('bare-writes.ts', [String(tokens), String(stepMs)])

async function startPart(file: string, args: string[] = []): Promise<BenchProcess> {
  const child = fork(join(import.meta.dirname, file), args)
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return { port, pid: child.pid ?? 0, stop: () => end(child) }
}

export function startLoad(): { run(order: LoadOrder): Promise<LoadReport>; stop(): Promise<void> } {
  const child = fork(join(import.meta.dirname, 'load.ts'))
  return {
    async run(order) {
      child.send(order)
      const [report] = (await once(child, 'message')) as [LoadReport]
      return report
    },
    stop: () => end(child)
  }
}

async function end(child: ChildProcess): Promise<void> {
  child.disconnect()
  if (child.exitCode === null) await once(child, 'exit')
}

const ticksPerSecond = 100

/** Processor time a process has used so far, in milliseconds (Linux: 10 ms steps). */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1000
}

/** Resident memory in bytes. */
export function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
      .trim()
      .split(/\s+/)
      .filter((id) => id !== '')
      .map(Number)
  )
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
}

export function percentile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN
}

export const median = (values: number[]) => percentile(values, 0.5)

/** A catalogue of nothing but the fake engine. */
export const fakeCatalogue = {
  defaults: { chat: 'fake', embedding: 'fake' },
  models: [
    { id: 'fake', name: 'Fake', description: 'for measuring', kind: 'chat', engine: 'fake', licence: 'Apache-2.0', contextWindow: 8192, files: [] }
  ]
}

/** A chat of ten messages, about 2 kB, whose answer the script decides. */
export function chatBody(script: string, extra: object = {}): string {
  const messages = Array.from({ length: 9 }, (_, i) => ({
    role: i % 2 === 0 ? 'user' : 'assistant',
    content: 'lorem ipsum dolor sit amet '.repeat(6)
  }))
  return JSON.stringify({ model: 'fake', stream: true, ...extra, messages: [...messages, { role: 'user', content: `fake: ${script}` }] })
}
