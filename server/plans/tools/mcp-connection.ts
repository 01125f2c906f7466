import { Client, ProtocolError, SdkError, SdkErrorCode, StreamableHTTPClientTransport, type Transport } from '@modelcontextprotocol/client'
import { z } from 'zod'
import type { McpServer } from '#contracts/plan-tools.ts'
import { AppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { version } from '../../version.ts'
import type { Fetch } from './guarded-fetch.ts'
import { blotOut, secretsOf } from './http-call.ts'
import { createMcpProcess } from './mcp-process.ts'
import { excerptOf, resultLimit } from './tool.ts'

/** A tool as its server describes it. Foreign: nothing in it is to be obeyed. */
export const McpTool = z.object({
  name: z.string().min(1).max(256),
  title: z.string().optional(),
  description: z.string().optional(),
  inputSchema: z.record(z.string(), z.unknown()),
  outputSchema: z.record(z.string(), z.unknown()).optional(),
  annotations: z.object({ readOnlyHint: z.boolean().optional() }).optional()
})
export type McpTool = z.infer<typeof McpTool>

export type McpConnection = {
  readonly isConnected: boolean
  /** What the server offers, asked now: connects at once where it is not connected. Throws AppError. */
  tools(): Promise<McpTool[]>
  /** Does something with the connected client. Throws `engine_failed` when it is not there or goes away. */
  use<Result>(work: (client: Client) => Promise<Result>): Promise<Result>
  /** Ends the connection, and the process where it has one. */
  close(): Promise<void>
}

export type McpConnectionOptions = {
  server: McpServer
  fetch: Fetch
  log: Log
  /** It came or went. */
  onHealth: (connected: boolean) => void
  /** What it offers, after each connecting and whenever it says that this changed. */
  onTools: (tools: McpTool[]) => void
  /** Before the first try again; doubles up to a minute. */
  restartMs?: number
  /** Of connecting and of listing the tools. */
  connectTimeoutMs?: number
}

const longestPauseMs = 60_000

/**
 * Keeps one MCP server connected: starts its process or opens its address, and again with growing pauses whenever it went. Newer and older
 * protocol are negotiated; servers that end on the newer one's first question are asked by the older.
 */
export function createMcpConnection(options: McpConnectionOptions): McpConnection {
  const { server, log, onHealth, onTools, restartMs = 1000, connectTimeoutMs = 30_000 } = options
  let client: Client | undefined
  let connecting: Promise<Client> | undefined
  let opening: Transport | undefined
  /** What it spoke the last time, so that it is not asked for the newer protocol at each start. */
  let legacy = false
  let timer: NodeJS.Timeout | undefined
  let failures = 0
  let connectedAt = 0
  let closed = false
  const secrets = server.transport === 'http' ? secretsOf(server.authentication) : []
  const limits = { timeout: connectTimeoutMs, maxTotalTimeout: connectTimeoutMs }

  async function open(asLegacy: boolean): Promise<Client> {
    const fresh = new Client(
      { name: 'outpost', version },
      { versionNegotiation: { mode: 'auto', probe: { timeoutMs: Math.min(10_000, connectTimeoutMs) } } }
    )
    const transport = server.transport === 'stdio' ? createMcpProcess(server, { log }) : httpTransport(server, options.fetch)
    opening = transport
    fresh.onerror = (error) => log.debug({ reason: toAppError(error).message }, 'an MCP connection has trouble')
    try {
      if (closed) throw new AppError('shutting_down', 'the connection is closed')
      await fresh.connect(transport, { ...limits, ...(asLegacy ? { prior: { kind: 'legacy' as const } } : {}) })
      const tools = await list(fresh)
      if (closed) throw new AppError('shutting_down', 'the connection is closed')
      fresh.onclose = () => lost(fresh)
      fresh.setNotificationHandler('notifications/tools/list_changed', () => look(fresh))
      client = fresh
      legacy = fresh.getProtocolEra() === 'legacy'
      connectedAt = performance.now()
      log.info({ tools: tools.length, protocol: fresh.getNegotiatedProtocolVersion() }, 'an MCP server is connected')
      onTools(tools)
      onHealth(true)
      return fresh
    } catch (error) {
      await fresh.close().catch(() => {})
      await transport.close().catch(() => {})
      throw error
    }
  }

  /** One try at a time; who comes meanwhile waits for the same. */
  function connect(): Promise<Client> {
    clearTimeout(timer)
    connecting ??= open(legacy)
      .catch((error: unknown) => {
        const other = !legacy
        legacy = false
        // It ended at a question it did not know; one that cannot be started or is silent would be so again.
        const silent = error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout
        if (server.transport !== 'stdio' || closed || silent || error instanceof AppError) throw error
        return open(other)
      })
      .catch((error: unknown) => {
        failures++
        restart()
        throw toAppError(error)
      })
      .finally(() => {
        connecting = undefined
      })
    return connecting
  }

  function restart(): void {
    if (closed) return
    const pause = Math.min(restartMs * 2 ** (failures - 1), longestPauseMs)
    log.warn({ failures, pauseMs: pause }, 'an MCP server is not connected')
    timer = setTimeout(() => void connect().catch(() => {}), pause).unref()
  }

  function lost(gone: Client): void {
    if (client !== gone) return
    client = undefined
    onHealth(false)
    // One that ran well for long starts again soon; one that falls over and over, ever later.
    failures = performance.now() - connectedAt > longestPauseMs ? 1 : failures + 1
    restart()
  }

  /** What a server answers may be in the message, and in that, what it was sent. */
  function toAppError(error: unknown): AppError {
    if (error instanceof AppError) return error
    // What the way to it refused or cut off says more than what the client makes of it.
    if (error instanceof Error && error.cause instanceof AppError) return error.cause
    const shapeless = error instanceof z.ZodError ? 'it describes its tools in a form that is not MCP' : undefined
    const message = shapeless ?? (error instanceof Error ? error.message : String(error))
    return new AppError('engine_failed', `the MCP server failed: ${excerptOf(blotOut(message, secrets))}`, { cause: error })
  }

  async function list(from: Client): Promise<McpTool[]> {
    if (from.getServerCapabilities()?.tools === undefined) return []
    const { tools } = await from.listTools(undefined, { ...limits, cacheMode: 'refresh' })
    return z.array(McpTool).parse(tools)
  }

  async function look(at: Client): Promise<void> {
    try {
      onTools(await list(at))
    } catch (error) {
      log.warn({ reason: toAppError(error).message }, 'the tools of an MCP server cannot be listed')
    }
  }

  void connect().catch(() => {})
  return {
    get isConnected() {
      return client !== undefined
    },
    async tools() {
      if (closed) throw new AppError('shutting_down', 'the connection is closed')
      try {
        return await list(client ?? (await connect()))
      } catch (error) {
        throw toAppError(error)
      }
    },
    async use(work) {
      const current = client ?? (await connecting)
      if (current === undefined) throw new AppError('engine_failed', 'the MCP server is not connected; it is tried again')
      try {
        return await work(current)
      } catch (error) {
        // Over HTTP nothing else says that the server or its session is gone.
        if (server.transport === 'http' && isLoss(error)) await current.close().catch(() => {})
        throw toAppError(error)
      }
    },
    async close() {
      closed = true
      clearTimeout(timer)
      const last = client
      client = undefined
      // A connecting under way ends with what it is opening.
      await opening?.close()
      await connecting?.catch(() => {})
      await last?.close()
    }
  }
}

function httpTransport(server: Extract<McpServer, { transport: 'http' }>, fetch: Fetch): Transport {
  const { authentication } = server
  const transport = new StreamableHTTPClientTransport(new URL(server.url), {
    requestInit: { headers: authentication === undefined ? {} : { [authentication.name]: authentication.value } },
    fetch: async (url, init) => {
      const response = await fetch(url, init)
      // The long stream of notifications is as long as the connection; every answer has a limit.
      return init?.method === 'POST' && response.ok && response.body !== null ? limited(response, response.body) : response
    }
  })
  // Its optional fields may be undefined by its own types, and not by those of the interface it implements.
  return transport as Transport
}

function limited(response: Response, body: ReadableStream<Uint8Array>): Response {
  let bytes = 0
  const limit = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.byteLength
      if (bytes > resultLimit)
        controller.error(new AppError('payload_too_large', `the MCP server answered more than ${resultLimit} bytes: ask for less`))
      else controller.enqueue(chunk)
    }
  })
  const { status, statusText, headers } = response
  return new Response(body.pipeThrough(limit), { status, statusText, headers })
}

function isLoss(error: unknown): boolean {
  if (error instanceof ProtocolError || error instanceof AppError) return false
  if (error instanceof SdkError) return error.code !== SdkErrorCode.RequestTimeout && error.code !== SdkErrorCode.InvalidResult
  return error instanceof Error && error.name !== 'AbortError'
}
