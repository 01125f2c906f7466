import type { ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { FastifyReply } from 'fastify'
import type { SequencedEvent } from '#contracts/event.ts'
import { AppError } from '../errors.ts'
import type { Reader, Readers } from './readers.ts'
import type { JobHandle } from './services.ts'

/** How long response headers wait for the first output, so that errors keep their status. */
const holdMs = 1000
/** Unread bytes a client may leave on our side, beside its largest single message, before it is cut off. */
const unreadLimit = 256 * 1024
/** Proxies drop connections that are silent for about a minute. */
const silenceMs = 15_000

type Waiting = Extract<SequencedEvent, { type: 'job-queued' | 'model-load' }>

export type ReplyStreamOptions = {
  reply: FastifyReply
  readers: Readers
  clientId: string
  /** An error as it stands inside a stream of this dialect. */
  errorText: (error: AppError) => string
}

/**
 * Server-sent events to one client, from one job or several. Text given to `write` before `start` is kept. The order of calls is:
 * `attach` each job, await `ready` (throws what ended the job before its first output), `start`; `write`, `keep`, `end`, `fail`, `wait` at any time.
 */
export class ReplyStream implements Reader {
  readonly clientId: string
  /** Resolves with the first output, the end, or after a second of neither. */
  readonly ready: Promise<void>
  readonly #raw: ServerResponse
  readonly #reply: FastifyReply
  readonly #readers: Readers
  readonly #errorText: (error: AppError) => string
  readonly #handles: JobHandle[] = []
  readonly #submittedAt = performance.now()
  readonly #holdTimer: NodeJS.Timeout
  #resolveReady!: () => void
  #rejectReady!: (error: AppError) => void
  #started = false
  #hasOutput = false
  #ended = false
  #leaving: 'client_gone' | 'client_too_slow' | 'key_revoked' | undefined
  #pending = ''
  #waiting: Waiting | undefined
  #runningAt: number | undefined
  #largest = 0
  #lastWriteAt = 0
  #socket: Socket | undefined

  constructor(options: ReplyStreamOptions) {
    this.clientId = options.clientId
    this.#reply = options.reply
    this.#raw = options.reply.raw
    this.#readers = options.readers
    this.#errorText = options.errorText
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve
      this.#rejectReady = reject
    })
    // Whoever waits for it sees the failure; a submit that fails first leaves nobody waiting.
    this.ready.catch(() => {})
    this.#holdTimer = setTimeout(this.#resolveReady, holdMs)
    this.#raw.once('close', this.#onClose)
    this.#readers.add(this)
  }

  get ended(): boolean {
    return this.#ended
  }

  attach(handle: JobHandle): void {
    if (!this.#started) this.#reply.header('x-outpost-job-id', handle.jobId)
    if (this.#leaving === undefined) this.#handles.push(handle)
    else handle.leave(this.#leaving)
  }

  /** Notes where the job stands while it waits, for headers and comments. */
  wait(event: Waiting): void {
    this.#waiting = event
  }

  /** The engine has taken the job. */
  running(): void {
    this.#runningAt ??= performance.now()
  }

  write(text: string): void {
    if (this.#ended || text === '') return
    if (!this.#hasOutput) {
      this.#hasOutput = true
      this.#resolveReady()
    }
    this.#send(text)
  }

  /** Text that is no output yet: it goes out with what comes, or once the headers are out, and does not make them go. */
  keep(text: string): void {
    if (!this.#ended && text !== '') this.#send(text)
  }

  /** The last text of the stream. */
  end(text: string): void {
    if (this.#ended) return
    this.#finish()
    if (this.#started) this.#raw.end(text)
    else this.#pending += text
    this.#resolveReady()
  }

  /** Before the first output it becomes the answer's status, afterwards the stream's last event. Other jobs of the stream are left. */
  fail(error: AppError, text = this.#errorText(error)): void {
    if (this.#ended) return
    this.#leave('client_gone')
    if (!this.#started && !this.#hasOutput) {
      this.#finish()
      this.#rejectReady(error)
    } else this.end(text)
  }

  cut(reason: 'key_revoked' | 'client_gone', error: AppError): void {
    this.#leave(reason)
    this.fail(error)
  }

  tick(now: number): void {
    if (!this.#started || this.#ended) return
    if (!this.#hasOutput) this.#send(this.#waitingComment())
    else if (now - this.#lastWriteAt > silenceMs) this.#send(': still here\n\n')
  }

  /** Submitting failed: nothing will be streamed. */
  discard(): void {
    this.#leave('client_gone')
    this.#finish()
  }

  /** Sends the headers and what was kept so far. From here on the reply belongs to the stream. */
  start(): void {
    this.#reply.hijack()
    this.#started = true
    // A long conversation need not lie in memory for as long as its answer takes.
    this.#reply.request.body = undefined
    if (this.#raw.destroyed) return
    const headers = this.#reply.getHeaders()
    headers['content-type'] = 'text/event-stream; charset=utf-8'
    headers['cache-control'] = 'no-cache, no-transform'
    // nginx would otherwise collect the stream into its own buffers.
    headers['x-accel-buffering'] = 'no'
    if (this.#runningAt !== undefined) headers['x-outpost-queue-ms'] = String(Math.round(this.#runningAt - this.#submittedAt))
    else if (this.#waiting?.type === 'job-queued') headers['x-outpost-queue-position'] = String(this.#waiting.position)
    this.#raw.writeHead(200, headers as Record<string, string>) // Fastify's type allows undefined values, which getHeaders never has.
    const pending = this.#pending
    this.#pending = ''
    if (this.#ended) this.#raw.end(pending)
    else this.#send(pending === '' ? this.#waitingComment() : pending)
  }

  #send(text: string): void {
    if (!this.#started) {
      this.#pending += text
      return
    }
    const raw = this.#raw
    // What lies unread is judged before this message is added, so that one large message to a fast reader is no offence.
    if (raw.writableLength > unreadLimit + this.#largest) {
      this.#leave('client_too_slow')
      this.#finish()
      raw.destroy()
      return
    }
    const bytes = Buffer.byteLength(text)
    if (bytes > this.#largest) this.#largest = bytes
    this.#lastWriteAt = Date.now()
    if (this.#socket === undefined) {
      raw.write(text)
      this.#socket = chunkedSocket(raw)
    } else this.#socket.write(`${bytes.toString(16)}\r\n${text}\r\n`, bytes === text.length ? 'latin1' : 'utf8')
  }

  #waitingComment(): string {
    const waiting = this.#waiting
    if (this.#runningAt !== undefined) return ': running\n\n'
    if (waiting === undefined) return ': waiting\n\n'
    if (waiting.type === 'model-load') return `: loading percent=${waiting.percent}\n\n`
    const eta = waiting.etaMs === null ? '' : ` eta_ms=${waiting.etaMs}`
    return `: queued position=${waiting.position}${eta}\n${waiting.reason === undefined ? '' : `: ${waiting.reason}\n`}\n`
  }

  readonly #onClose = () => {
    if (this.#ended) return
    this.#leave('client_gone')
    this.#finish()
    this.#rejectReady(new AppError('client_gone', 'the client closed the connection'))
  }

  #leave(reason: 'client_gone' | 'client_too_slow' | 'key_revoked'): void {
    if (this.#ended) return
    this.#leaving ??= reason
    for (const handle of this.#handles.splice(0)) handle.leave(reason)
  }

  #finish(): void {
    this.#ended = true
    clearTimeout(this.#holdTimer)
    this.#raw.off('close', this.#onClose)
    this.#readers.remove(this)
  }
}

/**
 * The socket under a response whose headers are out and which is framed in chunks. Framing each message ourselves, as one string, takes less
 * than half the time of `response.write`, which corks and writes four pieces; with hundreds of streams that is most of the gateway's work.
 * The response still ends itself and is asked what lies unread. Undefined where there is no such socket: HTTP/1.0, pipelined, injected.
 */
function chunkedSocket(raw: ServerResponse): Socket | undefined {
  return raw.chunkedEncoding && raw.socket instanceof Socket ? raw.socket : undefined
}
