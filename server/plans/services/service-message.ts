import { z } from 'zod'
import { nestingOf } from './nesting.ts'

/** Bytes of a message in either direction: what the protocol's clients take, 10 MiB and their envelope. */
export const maxMessageBytes = 10 * 1024 * 1024 + 2048
/** Levels of a result. More would overflow the stack of who writes it down. */
const maxNesting = 200
/** Above this, what is nested deeper is not even read: brackets by the million cost gigabytes as objects. */
const maxNestedLength = 1024 * 1024

const Payload = z.object({
  type: z.string(),
  taskId: z.string().optional().catch(undefined),
  executionId: z.string().optional().catch(undefined),
  idempotencyKey: z.string().optional().catch(undefined),
  status: z.unknown().optional(),
  result: z.unknown().optional(),
  error: z.unknown().optional()
})
export type ServicePayload = z.infer<typeof Payload>
const Envelope = z.object({
  id: z
    .union([z.string().max(1024), z.number()])
    .optional()
    .catch(undefined),
  // What is wrapped is acknowledged, whatever it is.
  payload: Payload.extend({ type: z.string().catch('') })
})

/** `id`: to be acknowledged; absent where the payload came bare. `problem`: why its result cannot be used, in words that follow "the result". */
export type ServiceMessage = { id: string | number | undefined; payload: ServicePayload; problem: string | undefined }

/**
 * What a service sends, `{"id": …, "payload": {"type": …}}`, or the payload alone, as clients send what they kept while they were offline.
 * Undefined: it is neither.
 */
export function readServiceMessage(text: string): ServiceMessage | undefined {
  const nested = nestingOf(text) > maxNesting
  if (nested && text.length > maxNestedLength) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const problem = sizeProblem(text) ?? (nested ? `is nested more than ${maxNesting} levels deep` : undefined)
  const envelope = Envelope.safeParse(value)
  if (envelope.success) return { id: envelope.data.id, payload: envelope.data.payload, problem }
  const bare = Payload.safeParse(value)
  return bare.success ? { id: undefined, payload: bare.data, problem } : undefined
}

/** Undefined: it is not too large. In words that follow its name. */
export function sizeProblem(text: string): string | undefined {
  // A character has at most three bytes, so most messages need no counting.
  if (text.length * 3 <= maxMessageBytes) return undefined
  const bytes = Buffer.byteLength(text)
  return bytes > maxMessageBytes ? `has ${bytes} bytes, more than the ${maxMessageBytes} a message may have` : undefined
}
