import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { type JSONRPCMessage, ReadBuffer, serializeMessage, type Transport } from '@modelcontextprotocol/client'
import type { McpServer } from '#contracts/plan-tools.ts'
import { AppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { blotOut } from './http-call.ts'
import { excerptOf, resultLimit } from './tool.ts'

/** A message around the largest result. */
const longestMessage = resultLimit + 64 * 1024

/** `pid` and `stderr` tell the client's negotiation that this is a process, where silence means an old server and not an outage. */
export type McpProcess = Transport & { readonly pid: number | undefined; readonly stderr: null }

/**
 * An MCP server as a process of its own, spoken with over its standard input and output. Its environment is `PATH` and what was given: not the
 * gateway's, which has keys in it. It leads a process group, so that whatever it started ends with it. `graceMs`: how long it may take to end
 * by itself, and again after SIGTERM.
 */
export function createMcpProcess(
  server: Extract<McpServer, { transport: 'stdio' }>,
  { log, graceMs = 2000 }: { log: Log; graceMs?: number }
): McpProcess {
  let child: ChildProcess | undefined
  let ended: Promise<void> = Promise.resolve()

  const transport: McpProcess = {
    stderr: null,
    get pid() {
      return child?.pid
    },
    async start() {
      const started = spawn(server.command, server.arguments, {
        env: { PATH: process.env['PATH'], ...server.environment },
        stdio: ['pipe', 'pipe', 'pipe'],
        detached: process.platform !== 'win32',
        windowsHide: true,
        ...(server.folder === undefined ? {} : { cwd: server.folder })
      })
      child = started
      const { promise, resolve } = Promise.withResolvers<void>()
      ended = promise
      // What it started may hold its pipes open, and there would be no `close` event.
      started.once('exit', () => signalGroup(started, 'SIGKILL'))
      started.once('close', () => {
        resolve()
        transport.onclose?.()
      })
      readMessages(started)
      readLog(started)
      await new Promise<void>((spawned, failed) => {
        started.once('spawn', spawned)
        started.once('error', (error: NodeJS.ErrnoException) => {
          resolve()
          failed(new AppError('engine_failed', `${server.command} cannot be started: ${error.code ?? error.message}`, { cause: error }))
        })
      })
    },
    async send(message: JSONRPCMessage) {
      const input = child?.stdin
      if (input == null || !input.writable) throw new AppError('engine_failed', 'the MCP server has ended')
      if (!input.write(serializeMessage(message))) await Promise.race([new Promise((drained) => input.once('drain', drained)), ended])
    },
    async close() {
      if (child?.pid === undefined) return
      child.stdin?.end()
      if (await endsWithin(graceMs)) return
      signalGroup(child, 'SIGTERM')
      if (await endsWithin(graceMs)) return
      signalGroup(child, 'SIGKILL')
      await ended
    }
  }

  async function endsWithin(ms: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, ms, false)
    })
    const inTime = await Promise.race([ended.then(() => true), late])
    clearTimeout(timer)
    return inTime
  }

  function readMessages({ stdout, stdin }: ChildProcess): void {
    const buffer = new ReadBuffer({ maxBufferSize: longestMessage })
    stdin?.on('error', (error) => transport.onerror?.(error))
    stdout?.on('error', (error) => transport.onerror?.(error))
    stdout?.on('data', (chunk: Buffer) => {
      try {
        buffer.append(chunk)
      } catch (error) {
        transport.onerror?.(toError(error))
        void transport.close()
        return
      }
      for (let more = true; more; ) {
        try {
          const message = buffer.readMessage()
          if (message === null) more = false
          else transport.onmessage?.(message)
        } catch (error) {
          transport.onerror?.(toError(error)) // One line that is no message; the next may be one.
        }
      }
    })
  }

  function readLog({ stderr }: ChildProcess): void {
    if (stderr === null) return
    const secrets = Object.values(server.environment).filter((value) => value.length >= 8)
    createInterface({ input: stderr }).on('line', (line) => log.debug({ line: excerptOf(blotOut(line, secrets)) }, 'an MCP server says'))
  }

  return transport
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    if (process.platform === 'win32') child.kill(signal)
    else process.kill(-child.pid, signal)
  } catch {
    // Nobody of it is left.
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
