import { z } from 'zod'
import { ActionParameter, Json, PlanOrder } from '#contracts/plan.ts'
import { AppError } from '../../errors.ts'
import { readDurationMs } from '../../plans/protocol/durations.ts'
import { anyCase } from './plan-json.ts'

const noControlCharacters = /^[^\p{Cc}\p{Cf}]*$/u

/** What clients send of a project. An id, keys or times that come with it are not theirs to give and passed over. */
export const ProjectBody = anyCase({
  name: z.string().max(200).regex(noControlCharacters, 'must not have control characters').default(''),
  webhooks: z.array(z.string()).max(100).default([]),
  compensationFailureWebhooks: z.array(z.string()).max(100).default([])
})

export const WebhookBody = anyCase({ url: z.string().default('') })

export const ReasonBody = anyCase({ reason: z.string().max(4000).default('') })

/** A service or agent. Schemas are checked by the plan engine. */
export const ServiceBody = anyCase({
  id: z.string().optional(),
  name: z.string().default(''),
  description: z.string().default(''),
  schema: anyCase({ input: z.unknown().optional(), output: z.unknown().optional() }).prefault({}),
  revertible: z.boolean().default(false),
  approval: z.boolean().optional()
})

/** Names brought to their usual case; the rest is checked by the plan engine, which says what is wrong in its own order. */
export const GroundingBody = anyCase({
  name: z.unknown().optional(),
  domain: z.unknown().optional(),
  version: z.unknown().optional(),
  useCases: z
    .array(
      anyCase({
        action: z.unknown().optional(),
        params: z.unknown().optional(),
        capabilities: z.unknown().optional(),
        intent: z.unknown().optional()
      })
    )
    .optional(),
  constraints: z.unknown().optional()
})

/** `timeout` and `healthCheckGracePeriod`: Go durations. */
export const OrchestrationBody = anyCase({
  action: anyCase({ content: PlanOrder.shape.action.prefault('') }).prefault({}),
  data: z
    .array(anyCase({ field: ActionParameter.shape.field.prefault(''), value: Json.default(null) }))
    .max(1000)
    .default([]),
  timeout: z.unknown().optional(),
  healthCheckGracePeriod: z.unknown().optional()
})

/** Throws `invalid_request` for durations that are none, naming the field as the client wrote it. */
export function toPlanOrder({ action, data, timeout, healthCheckGracePeriod }: z.output<typeof OrchestrationBody>): PlanOrder {
  const timeoutMs = timeout === undefined ? undefined : readDurationMs(timeout, 'timeout')
  if (timeoutMs === 0) throw new AppError('invalid_request', 'timeout must be longer than nothing; leave it out for 30s', { param: 'timeout' })
  return {
    action: action.content,
    data,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(healthCheckGracePeriod === undefined ? {} : { gracePeriodMs: readDurationMs(healthCheckGracePeriod, 'healthCheckGracePeriod') })
  }
}
