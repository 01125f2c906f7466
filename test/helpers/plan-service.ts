import { WebSocket } from 'ws'
import { type Ending, onEnd } from './on-end.ts'
import { createOutbox } from './plan-outbox.ts'
import { createWitness, type Witness } from './witness.ts'

/** A task or the compensation of one, as it came. */
export type ServiceRequest = {
  kind: 'task' | 'compensation'
  id: string
  executionId: string
  idempotencyKey: string
  input: Record<string, unknown>
  /** Compensations only. */
  compensationContext?: { orchestrationId: string; reason: string; payload?: unknown; timestamp: string }
}

export type TaskCall = ServiceRequest & {
  /** Tells how far it is (`task_interim_result`). */
  pushUpdate(data: unknown): void
  /** Gives the whole plan up (`task_abort_result`). Ends the handler. */
  abort(payload: unknown): never
}

/** What a service does wrong with the tasks that come, until it is changed. */
export type Misbehaviour =
  | { type: 'answers-twice' }
  /** With the result ready, waits for `until`. */
  | { type: 'answers-late'; until: Promise<unknown> }
  | { type: 'never-answers' }
  /** Takes these fields of its answers from elsewhere: another's task, a wrong key. */
  | { type: 'answers-for'; other: { taskId?: string; executionId?: string; idempotencyKey?: string; serviceId?: string } }
  /** A text of so many bytes instead of its result. */
  | { type: 'huge-result'; bytes: number }
  /** The connection breaks when a task comes. */
  | { type: 'drops-at-receipt' }
  /** The connection breaks when the result is ready: it waits in the outbox for the next one. */
  | { type: 'drops-before-answer' }
  /** The connection breaks right after the result was written. */
  | { type: 'drops-after-answer' }
  /** Works on what was done already, as if it had never seen it. */
  | { type: 'forgets' }

export type PlanServiceOptions = {
  /** `http://…` of the server, without a slash at its end. */
  url: string
  projectKey: string
  name: string
  description?: string
  /** An object schema each; a text `message` in and out when it is not given. */
  schema?: { input: object; output: object }
  kind?: 'service' | 'agent'
  revertible?: boolean
  /** How long its results can be taken back. */
  revertTtlMs?: number
  /** Of an earlier registration: makes a new version of it. */
  id?: string
  /** Connects as one more instance of a service that is registered, and registers nothing. */
  instanceOf?: string
  /** Tells instances of one service apart (a query parameter that SDKs do not send). */
  instance?: string
  /** What it throws is its answer's error. Undefined leaves the output out. */
  handler: (call: TaskCall) => unknown
  /** Takes a result back. Returns `{ partial: { completed, remaining } }`, or nothing when all was taken back; throws when it failed. */
  revert?: (request: ServiceRequest, source: { originalTask: unknown; taskResult: unknown }) => unknown
  /** Delay before the first attempt to come back, doubled each time up to fifty times as much. 20 when it is not given. */
  reconnectMs?: number
  /**
   * Where the original's SDKs differ. `javascript`: what waited while the connection was away goes as bare payloads, and a task that was aborted
   * is answered with a result of status `aborted` when it is asked for again. `python`, when it is not given: wrapped, and silent.
   */
  sdk?: 'javascript' | 'python'
}

export type ConnectionEvent = { type: 'open' } | { type: 'close'; code: number; reason: string } | { type: 'refused'; status: number }

export type PlanService = {
  readonly id: string
  readonly version: number
  readonly requests: Witness<ServiceRequest>
  readonly connection: Witness<ConnectionEvent>
  /** How often the handler ran for each idempotency key. */
  readonly runs: ReadonlyMap<string, number>
  misbehaviour: Misbehaviour | undefined
  /** Messages the engine has not acknowledged. */
  readonly unacknowledged: number
  /** The network breaks; the client comes back by itself unless `stay` is set. */
  drop(options?: { stay?: boolean }): void
  /** Comes back after a `drop` that stays. */
  reconnect(): void
  /** Writes a raw frame, whatever it is. */
  write(text: string): void
  /** Ends for good. */
  close(): Promise<void>
}

class TaskAborted extends Error {
  readonly payload: unknown

  constructor(payload: unknown) {
    super('the task aborts its plan')
    this.payload = payload
  }
}

/** A service of the plan engine, by the protocol of the original's SDKs. Resolves once it is registered and connected; ends with the test. */
export async function connectPlanService(t: Ending, options: PlanServiceOptions): Promise<PlanService> {
  const { id, version } = options.instanceOf === undefined ? await register(options) : { id: options.instanceOf, version: 0 }
  const requests = createWitness<ServiceRequest>()
  const connection = createWitness<ConnectionEvent>()
  const runs = new Map<string, number>()
  const done = new Map<string, unknown>()
  const running = new Set<string>()
  const outbox = createOutbox({ unwrapped: options.sdk === 'javascript' })
  const firstDelay = options.reconnectMs ?? 20
  let socket: WebSocket
  let delay = firstDelay
  let wantsToStay = true
  let timer: NodeJS.Timeout | undefined
  let misbehaviour: Misbehaviour | undefined

  const query = new URLSearchParams({ serviceId: id, apiKey: options.projectKey })
  if (options.instance !== undefined) query.set('instance', options.instance)
  const address = `${options.url.replace(/^http/, 'ws')}/ws?${query}`

  function open(): void {
    const own = new WebSocket(address, { maxPayload: 11 * 1024 * 1024, perMessageDeflate: false })
    socket = own
    own.on('open', () => {
      delay = firstDelay
      outbox.connected((text) => own.send(text))
      connection.note({ type: 'open' })
    })
    own.on('unexpected-response', (request, response) => {
      connection.note({ type: 'refused', status: response.statusCode ?? 0 })
      request.destroy()
    })
    own.on('message', (data) => hear(JSON.parse(String(data))))
    own.on('error', () => {}) // "close" comes after it.
    own.on('close', (code, reason) => {
      if (socket !== own) return
      outbox.disconnected()
      connection.note({ type: 'close', code, reason: String(reason) })
      if (!wantsToStay) return
      timer = setTimeout(open, delay)
      delay = Math.min(delay * 2, firstDelay * 50)
    })
  }

  function hear(message: Record<string, unknown>): void {
    if (message['type'] === 'ping' && message['serviceId'] === id)
      socket.send(JSON.stringify({ id: 'pong', payload: { type: 'pong', serviceId: id } }))
    else if (message['type'] === 'ACK') outbox.acknowledged(String(message['id']))
    else if (message['type'] === 'task_request')
      void take({ ...(message as unknown as ServiceRequest), kind: 'task' }) // The engine is what is tested.
    else if (message['type'] === 'compensation_request') void take({ ...(message as unknown as ServiceRequest), kind: 'compensation' })
  }

  async function take(request: ServiceRequest): Promise<void> {
    const key = request.idempotencyKey
    const trouble = misbehaviour
    requests.note(request)
    if (trouble?.type === 'drops-at-receipt') {
      socket.terminate()
      return
    }
    if (trouble?.type === 'forgets') done.delete(key)
    if (running.has(key)) {
      say(request, { type: 'task_status', status: 'in_progress' })
      return
    }
    if (!done.has(key)) {
      running.add(key)
      runs.set(key, (runs.get(key) ?? 0) + 1)
      try {
        done.set(key, await work(request))
      } catch (error) {
        // Failures are not kept: another attempt runs the handler again. What was aborted stays so, and is not answered any more.
        if (error instanceof TaskAborted) done.set(key, options.sdk === 'javascript' ? { task: error.payload, status: 'aborted' } : undefined)
        else await answer(request, { result: null, error: error instanceof Error ? error.message : String(error) }, trouble)
        return
      } finally {
        running.delete(key)
      }
    }
    const result = done.get(key)
    if (result !== undefined) await answer(request, { result, error: null }, trouble)
  }

  async function work(request: ServiceRequest): Promise<unknown> {
    if (request.kind === 'compensation') {
      const source = request.input as { originalTask: unknown; taskResult: unknown } // As this service stored it below.
      const outcome = await options.revert?.(request, source)
      return isPartial(outcome) ? { status: 'partial', ...outcome } : { status: 'completed' }
    }
    const task = await options.handler({
      ...request,
      pushUpdate: (data) => say(request, { type: 'task_interim_result', result: { task: data } }),
      abort(payload) {
        say(request, { type: 'task_abort_result', result: { task: payload } })
        throw new TaskAborted(payload)
      }
    })
    const compensation = { data: { originalTask: request, taskResult: task }, ttl: options.revertTtlMs ?? 24 * 60 * 60 * 1000 }
    return { task, compensation: options.revertible === true ? compensation : null }
  }

  async function answer(
    request: ServiceRequest,
    outcome: { result: unknown; error: string | null },
    trouble: Misbehaviour | undefined
  ): Promise<void> {
    if (trouble?.type === 'never-answers') return
    if (trouble?.type === 'answers-late') await trouble.until
    if (trouble?.type === 'drops-before-answer') {
      // What is written now goes nowhere and is not acknowledged.
      socket.terminate()
    }
    const result = trouble?.type === 'huge-result' ? { task: { message: 'x'.repeat(trouble.bytes) }, compensation: null } : outcome.result
    const message = { type: 'task_result', ...outcome, result, ...(trouble?.type === 'answers-for' ? trouble.other : {}) }
    say(request, message)
    if (trouble?.type === 'answers-twice') say(request, message)
    if (trouble?.type === 'drops-after-answer') socket.close()
  }

  function say(request: ServiceRequest, message: { type: string } & Record<string, unknown>): void {
    const { id: taskId, executionId, idempotencyKey } = request
    outbox.send({ taskId, executionId, idempotencyKey, serviceId: id, ...message })
  }

  async function close(): Promise<void> {
    wantsToStay = false
    clearTimeout(timer)
    outbox.close()
    if (socket.readyState === WebSocket.CLOSED) return
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    if (socket.readyState === WebSocket.OPEN) socket.close(1000)
    else socket.terminate()
    await closed
  }

  onEnd(t, close)
  open()
  const first = await connection.first()
  if (first.type !== 'open') {
    await close()
    throw new Error(`the service ${options.name} could not connect: ${JSON.stringify(first)}`)
  }
  return {
    id,
    version,
    requests,
    connection,
    runs,
    get misbehaviour() {
      return misbehaviour
    },
    set misbehaviour(value) {
      misbehaviour = value
    },
    get unacknowledged() {
      return outbox.waiting
    },
    drop({ stay = false } = {}) {
      wantsToStay = !stay
      clearTimeout(timer)
      socket.terminate()
    },
    reconnect() {
      wantsToStay = true
      open()
    },
    write: (text) => socket.send(text),
    close
  }
}

const text = { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] }

async function register(options: PlanServiceOptions): Promise<{ id: string; version: number }> {
  const { name, description = `Does ${name}.`, schema = { input: text, output: text }, revertible = false, kind = 'service' } = options
  const response = await fetch(`${options.url}/register/${kind}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${options.projectKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ id: options.id ?? null, name, description, schema, revertible, version: 0 })
  })
  if (!response.ok) throw new Error(`the service ${name} was not registered: ${response.status} ${await response.text()}`)
  return (await response.json()) as { id: string; version: number }
}

function isPartial(outcome: unknown): outcome is { partial: unknown } {
  return typeof outcome === 'object' && outcome !== null && 'partial' in outcome
}
