import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { ownerDoor } from '../../server/socket-path.ts'
import { temporaryFolder } from './folder.ts'
import { type Ending, onEnd } from './on-end.ts'

export const program = fileURLToPath(new URL('../../server/main.ts', import.meta.url))

/** What a server of a test loads first. */
const endWithParent = new URL('./end-with-parent.ts', import.meta.url).href

/** Two models of the fake engine that need no weights, so that they are here at once. */
export const fakeCatalogue = {
  defaults: { chat: 'fake', embedding: 'fake-embed' },
  models: [
    {
      id: 'fake',
      name: 'Fake',
      description: 'for tests',
      kind: 'chat',
      engine: 'fake',
      licence: 'Apache-2.0',
      contextWindow: 8192,
      files: []
    },
    {
      id: 'fake-embed',
      name: 'Fake embeddings',
      description: 'for tests',
      kind: 'embedding',
      engine: 'fake',
      licence: 'Apache-2.0',
      contextWindow: 8192,
      dimensions: 64,
      files: []
    }
  ]
}

export type TestServer = {
  /** `http://127.0.0.1:…` */
  readonly url: string
  readonly home: string
  /** The owner's own door. */
  readonly socket: string
  readonly child: ChildProcess
  /** Everything it wrote so far. */
  stdout(): string
  stderr(): string
  /** Resolves with the match once its stdout holds it; rejects when the server ends before. */
  said(pattern: RegExp): Promise<RegExpExecArray>
  /** Asks it to end (SIGTERM) and waits. Its exit code; null when a signal ended it. */
  stop(): Promise<number | null>
}

export type TestServerOptions = {
  /** Beside `OUTPOST_HOME`; undefined takes a variable away. */
  env?: Record<string, string | undefined>
  /** `models/catalogue.json` of the home; null: none, so that the packaged catalogue counts. The fake engine's when it is not given. */
  catalogue?: object | null
  /** After `serve --port 0`. */
  args?: string[]
  /** To start again on what another server left. A new one when it is not given. */
  home?: string
  /** What to wait for. `ready`, when it is not given: the default chat model can answer. */
  until?: 'listening' | 'ready'
}

/** A real server in processes of its own, with its own home folder and any free port. It is stopped when the test ends. */
export async function startTestServer(t: Ending, options: TestServerOptions = {}): Promise<TestServer> {
  const home = options.home ?? temporaryFolder(t)
  if (options.catalogue !== null) writeCatalogue(home, options.catalogue ?? fakeCatalogue)
  const child = spawn(process.execPath, ['--import', endWithParent, program, 'serve', '--port', '0', ...(options.args ?? [])], {
    env: testEnvironment(home, options.env),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc']
  }) as ChildProcess & Record<'stdout' | 'stderr', Readable> // stdio says that both are pipes
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text))
  // "close", not "exit": what it wrote last has arrived then.
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))

  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    return await ended
  }
  onEnd(t, stop)

  const said = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(output.stdout)
        if (match === null) return
        child.stdout.off('data', look)
        resolve(match)
      }
      child.stdout.on('data', look)
      void ended.then((code) =>
        reject(new Error(`the server ended (${code ?? child.signalCode}) without ${pattern}:\n${output.stdout}${output.stderr}`))
      )
      look()
    })

  const [, url = ''] = await said(/listens on (\S+)\n/)
  if (options.until !== 'listening') await said(/^Ready with /m)
  return { url, home, socket: ownerDoor(home), child, stdout: () => output.stdout, stderr: () => output.stderr, said, stop }
}

export function writeCatalogue(home: string, catalogue: object): void {
  mkdirSync(join(home, 'models'), { recursive: true })
  writeFileSync(join(home, 'models', 'catalogue.json'), JSON.stringify(catalogue))
}

/** This process's environment without any setting of Outpost's, and a home folder. */
export function testEnvironment(home: string, env: Record<string, string | undefined> = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(OUTPOST_|REDIS_URL$|NO_COLOR$|FORCE_COLOR$|NODE_TEST_CONTEXT$)/.test(name))
  return { ...Object.fromEntries(own), OUTPOST_HOME: home, OUTPOST_LOG_LEVEL: 'warn', ...env }
}
