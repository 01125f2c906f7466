import type { Json, JsonObject, Service } from '#contracts/plan.ts'
import { JsonObject as JsonObjectSchema } from '#contracts/plan.ts'
import { AppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { ServiceHost, ServiceHostEvents, TaskMessage, TaskRequest } from '../services/service-host.ts'
import { createFinishedWork } from './finished-work.ts'
import { resultLimit, type Tool } from './tool.ts'

/** Of one task: each is kept in the plan's log. */
const mostInterims = 1000

export type ToolHost = ServiceHost & {
  /** Stops all work and waits until it has stopped. Nothing is said of it: it is in doubt, as after a crash. */
  close(): Promise<void>
}

export type ToolHostOptions = {
  /** The tool of a service, by the service's id. */
  find: (serviceId: string) => Tool | undefined
  events: Pick<ServiceHostEvents, 'onMessage'>
  log: Log
  now?: () => number
}

/** `executionId` and `taskId` are those of the latest sending: who asked before has given up. */
type Work = { executionId: string; taskId: string; controller: AbortController }

/**
 * Carries the tasks of built-in tools out, in this process. Work that is sent again while it runs is joined, and work that was done in the
 * last day is answered from memory. After a restart nothing is remembered: a tool that changes something outside is given the same
 * idempotency key again, and it is for that tool to know it.
 */
export function createToolHost({ find, events, log, now = Date.now }: ToolHostOptions): ToolHost {
  const running = new Map<string, Work>()
  /** Everything that has not ended, also what was stopped and goes on a little. */
  const active = new Map<Work, Promise<void>>()
  const finished = createFinishedWork({ now })
  let closed = false

  function say(service: Service, request: Pick<TaskRequest, 'executionId' | 'taskId' | 'idempotencyKey'>, message: MessageBody): void {
    const { executionId, taskId, idempotencyKey } = request
    events.onMessage({ serviceId: service.id, executionId, taskId, idempotencyKey, ...message })
  }

  async function work(tool: Tool, service: Service, request: TaskRequest, own: Work): Promise<void> {
    const { planId, idempotencyKey } = request
    const { signal } = own.controller
    let interims = 0
    const current = () => ({ executionId: own.executionId, taskId: own.taskId, idempotencyKey })
    const interim = (data: Json) => {
      if (signal.aborted) return
      if (interims === mostInterims)
        log.warn({ planId, serviceId: service.id, allowed: mostInterims }, 'a task reports too much; the rest is not kept')
      if (interims++ < mostInterims) say(service, current(), { type: 'interim', messageId: `${own.executionId}.${interims}`, data })
    }
    let end: MessageBody
    try {
      signal.throwIfAborted()
      const input = toInput(tool, request)
      const output = bounded(await tool.run({ input, planId, executionId: own.executionId, idempotencyKey, interim }, signal))
      finished.keep(keyOf(service, idempotencyKey), output)
      end = { type: 'completed', output, raw: output }
    } catch (error) {
      if (!signal.aborted && !(error instanceof AppError)) log.error({ planId, serviceId: service.id, err: error }, 'a tool has a bug')
      end = { type: 'failed', error: error instanceof AppError ? error.message : `${service.name} failed by a bug of Outpost; the log has it` }
    }
    // Stopped work is no longer the one that is found by this key; perhaps another is.
    if (running.get(keyOf(service, idempotencyKey)) === own) running.delete(keyOf(service, idempotencyKey))
    active.delete(own)
    if (!signal.aborted) say(service, current(), end)
  }

  return {
    isHealthy: (service) => !closed && (find(service.id)?.isHealthy() ?? false),
    send(service, request) {
      const tool = find(service.id)
      if (closed || tool === undefined || !tool.isHealthy()) return false
      const { executionId, taskId, idempotencyKey } = request
      const key = keyOf(service, idempotencyKey)
      // Answers come after this call has returned, as those of a connected service do.
      queueMicrotask(() => say(service, request, { type: 'accepted' }))
      const joined = running.get(key)
      if (joined !== undefined) {
        joined.executionId = executionId
        joined.taskId = taskId
        return true
      }
      const done = finished.find(key)
      if (done !== undefined) {
        queueMicrotask(() => say(service, request, { type: 'completed', output: done, raw: done }))
        return true
      }
      const own: Work = { executionId, taskId, controller: new AbortController() }
      running.set(key, own)
      active.set(
        own,
        Promise.resolve().then(() => work(tool, service, request, own))
      )
      return true
    },
    stop(service, executionId) {
      for (const [key, own] of running) {
        if (own.executionId !== executionId || !key.startsWith(`${service.id} `)) continue
        // Out of the way at once: the same work may be sent anew before this one has noticed that it is to stop.
        running.delete(key)
        own.controller.abort(new AppError('cancelled', 'the task was stopped'))
      }
    },
    async close() {
      closed = true
      for (const own of active.keys()) own.controller.abort(new AppError('shutting_down', 'the server is stopping'))
      await Promise.allSettled(active.values())
    }
  }
}

type MessageBody = TaskMessage extends infer Message ? (Message extends TaskMessage ? Omit<Message, keyof Envelope> : never) : never
type Envelope = { serviceId: string; executionId: string; taskId: string; idempotencyKey: string }

const keyOf = (service: Service, idempotencyKey: string) => `${service.id} ${idempotencyKey}`

function toInput({ input: schema }: Tool, request: TaskRequest): JsonObject {
  if (request.kind === 'compensation') throw new AppError('unsupported_feature', 'what a built-in tool did cannot be taken back by it')
  const input = JsonObjectSchema.safeParse(request.input)
  if (!input.success) throw new AppError('invalid_request', 'the inputs of a tool must be an object')
  // A result that it refers to may have come without the field.
  const missing = (schema.required ?? Object.keys(schema.properties ?? {})).filter((name) => input.data[name] === undefined)
  if (missing.length > 0) throw new AppError('invalid_request', `these inputs are missing: ${missing.join(', ')}`)
  return input.data
}

function bounded(output: JsonObject): JsonObject {
  const bytes = Buffer.byteLength(JSON.stringify(output))
  if (bytes <= resultLimit) return output
  throw new AppError('payload_too_large', `the result has ${bytes} bytes, allowed are ${resultLimit}: ask for less`)
}
