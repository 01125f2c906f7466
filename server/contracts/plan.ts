import { z } from 'zod'

/** Any JSON value. */
export const Json = z.json()
export type Json = z.infer<typeof Json>
export const JsonObject = z.record(z.string(), Json)
export type JsonObject = z.infer<typeof JsonObject>

/** One named value of an action's data. */
export const ActionParameter = z.object({ field: z.string().min(1).max(256), value: Json })
export type ActionParameter = z.infer<typeof ActionParameter>

/** The part of JSON Schema that services describe their inputs and outputs with. `properties` belongs to objects, `items` to arrays. */
export type SchemaNode = {
  type: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean'
  description?: string | undefined
  enum?: Json[] | undefined
  default?: Json | undefined
  format?: string | undefined
  minimum?: number | undefined
  maximum?: number | undefined
  properties?: Record<string, SchemaNode> | undefined
  /** Names of properties. Absent: all of them. Present: the others may be left out. */
  required?: string[] | undefined
  items?: SchemaNode | undefined
}
export const SchemaNode: z.ZodType<SchemaNode> = z.lazy(() =>
  z.object({
    type: z.enum(['object', 'array', 'string', 'number', 'integer', 'boolean']),
    description: z.string().optional(),
    enum: z.array(Json).optional(),
    default: Json.optional(),
    format: z.string().optional(),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    properties: z.record(z.string(), SchemaNode).optional(),
    required: z.array(z.string()).optional(),
    items: SchemaNode.optional()
  })
)

/** Who carries the tasks of a service out: a program connected by WebSocket, or one of the tools built in. */
export const ServiceOrigin = z.enum(['connected', 'llm', 'http', 'mcp'])
export type ServiceOrigin = z.infer<typeof ServiceOrigin>

/** A service or agent, in one version. Times are Unix milliseconds. */
export const Service = z.object({
  /** `s_` and 28 letters a–z. */
  id: z.string(),
  projectId: z.string(),
  kind: z.enum(['service', 'agent']),
  name: z.string(),
  description: z.string(),
  input: SchemaNode,
  output: SchemaNode,
  /** Its results can be taken back: they carry what a compensation needs. */
  revertible: z.boolean(),
  /** Every task of it waits for a person's approval. */
  approval: z.boolean(),
  /** From 1, one more with each registration. */
  version: z.int().min(1),
  origin: ServiceOrigin,
  registeredAt: z.number()
})
export type Service = z.infer<typeof Service>

/** An input value is a reference `$<task>.<field>` to task0 or to a task that comes before. */
export const PlanTask = z.object({
  id: z.string(),
  /** Id and version of its service. */
  service: z.string(),
  serviceVersion: z.int().min(1),
  input: z.record(z.string(), z.string()),
  /** Waits for a person before it is sent. */
  approval: z.boolean()
})
export type PlanTask = z.infer<typeof PlanTask>

/** A plan that passed every check. */
export const Plan = z.object({
  /** What `$task0.…` stands for: the action's data and the constants of the plan. */
  taskZero: JsonObject,
  tasks: z.array(PlanTask),
  /** Ids of tasks that may run at the same time, in order. For people: what runs when follows from the references. */
  parallelGroups: z.array(z.array(z.string()))
})
export type Plan = z.infer<typeof Plan>

/** `pending`: being planned. `completed`, `failed`, `not_actionable`, `aborted` and `cancelled` are final. */
export const PlanStatus = z.enum(['pending', 'processing', 'completed', 'failed', 'not_actionable', 'aborted', 'cancelled'])
export type PlanStatus = z.infer<typeof PlanStatus>

/** Why a plan did not end well. `task` and `service`: where it went wrong while running. */
export const PlanFailure = z.object({
  code: z.enum(['not_actionable', 'planning_failed', 'task_failed', 'deadline_exceeded', 'aborted', 'cancelled', 'refused']),
  message: z.string(),
  task: z.string().optional(),
  service: z.string().optional(),
  /** For developers: what in the services or in the request keeps the action from being planned. */
  diagnosis: z.lazy(() => Diagnosis).optional()
})
export type PlanFailure = z.infer<typeof PlanFailure>

/** Root cause of a planning failure, and what to change. */
export const Diagnosis = z.object({
  rootCause: z.string(),
  /** Which service's schema lacks what, or which data cannot be placed. */
  findings: z.array(z.object({ service: z.string().optional(), task: z.string().optional(), field: z.string().optional(), problem: z.string() })),
  remedies: z.array(z.string())
})
export type Diagnosis = z.infer<typeof Diagnosis>

/** How the plan cache answered. `near`: the most similar plan was shown to the model as an example. */
export const CacheVerdict = z.object({
  outcome: z.enum(['hit', 'miss', 'near', 'off']),
  /** In words a user understands. */
  reason: z.string(),
  /** The plan it comes from or was nearest to. */
  planId: z.string().optional(),
  similarity: z.number().optional()
})
export type CacheVerdict = z.infer<typeof CacheVerdict>

/** What is asked for. Milliseconds. */
export const PlanOrder = z.object({
  action: z.string().trim().min(1).max(32_768),
  data: z.array(ActionParameter).max(1000).default([]),
  /** Of one attempt of a task. */
  timeoutMs: z.int().min(1).max(2_147_483_647).optional(),
  /** How long a task waits for a service that is away. */
  gracePeriodMs: z.int().min(0).max(2_147_483_647).optional(),
  /** Of the whole plan, from its acceptance. */
  deadlineMs: z.int().min(1).max(2_147_483_647).optional(),
  /** Ids of services whose tasks wait for approval, beside those that always do. */
  approval: z.array(z.string()).max(1000).optional()
})
export type PlanOrder = z.infer<typeof PlanOrder>

/** An action with its plan, as it stands. Times are Unix milliseconds. */
export const PlanRecord = z.object({
  /** `o_` and 22 characters. */
  id: z.string(),
  projectId: z.string(),
  clientId: z.string(),
  action: z.string(),
  data: z.array(ActionParameter),
  /** Services whose tasks wait for a person, because whoever asked wanted it so. */
  approval: z.array(z.string()),
  status: PlanStatus,
  plan: Plan.nullable(),
  cache: CacheVerdict.nullable(),
  /** Rules of the grounding that nothing here can check: people have to see to them. */
  warnings: z.array(z.string()),
  /** Grounding use case that applied, `name@version#index`. */
  grounding: z.string().nullable(),
  results: z.array(Json).nullable(),
  failure: PlanFailure.nullable(),
  /** What the service that aborted it said. */
  abortPayload: Json.nullable(),
  timeoutMs: z.number(),
  gracePeriodMs: z.number(),
  deadlineAt: z.number().nullable(),
  createdAt: z.number(),
  /** When it last changed its status. */
  changedAt: z.number()
})
export type PlanRecord = z.infer<typeof PlanRecord>

/** One call of a model while planning, exactly as it went. */
export const PlanningAttempt = z.object({
  attempt: z.int().min(1),
  /** `services`: which services in which order. `inputs`: what each is given. `whole`: both at once. */
  phase: z.enum(['services', 'inputs', 'whole']),
  model: z.string(),
  /** Messages as sent. */
  prompt: z.string(),
  answer: z.string(),
  reasoning: z.string(),
  /** What the checks found wrong; empty: valid. */
  findings: z.array(z.string()),
  promptTokens: z.int(),
  completionTokens: z.int(),
  ms: z.number(),
  at: z.number()
})
export type PlanningAttempt = z.infer<typeof PlanningAttempt>

const task = z.string()
const attempt = z.int().min(1)
/** `executionId` names one sending, `idempotencyKey` the work, whatever the number of sendings. */
const sending = {
  task,
  attempt,
  executionId: z.string(),
  idempotencyKey: z.string(),
  /** Which of the instances of its service, where there were several; null: one that cannot be told from another. */
  instance: z.string().nullable().optional()
}
/** What a compensation of this result needs. `ttlMs` counts from the completion. */
export const CompensationData = z.object({ data: Json, ttlMs: z.number().min(0) })
export type CompensationData = z.infer<typeof CompensationData>

/**
 * What happened to a plan, in order: the truth from which its state follows (`plans/execution/state.ts`). An entry is written before what it
 * says is done (`task-sent`), or as soon as it is known (`task-completed`).
 */
export const PlanEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('plan-started'), plan: Plan }),
  z.object({ type: z.literal('task-sent'), ...sending }),
  /** The service said that it works on it. */
  z.object({ type: z.literal('task-accepted'), task, executionId: z.string() }),
  z.object({ type: z.literal('task-interim'), task, id: z.string(), data: Json }),
  /** Its service is away. Not counted as an attempt. `lost`: its connection broke, without a word of the task since that was sent. */
  z.object({
    type: z.literal('task-paused'),
    task,
    /** Tells pauses of one task apart. */
    id: z.string(),
    reason: z.string(),
    lost: z.literal(true).optional()
  }),
  /** `retryAt`: Unix milliseconds; absent: there is no further attempt. */
  z.object({ type: z.literal('task-attempt-failed'), task, attempt, error: z.string(), timedOut: z.boolean(), retryAt: z.number().optional() }),
  z.object({ type: z.literal('task-completed'), task, output: Json, compensation: CompensationData.optional() }),
  z.object({ type: z.literal('task-failed'), task, error: z.string() }),
  z.object({ type: z.literal('task-aborted'), task, payload: Json }),
  /** Given up because the plan ended otherwise. */
  z.object({ type: z.literal('task-stopped'), task, reason: z.string() }),
  z.object({ type: z.literal('approval-requested'), task }),
  z.object({ type: z.literal('approval-decided'), task, approved: z.boolean(), by: z.string(), note: z.string().optional() }),
  /** Came after the task or the plan had ended, and changed nothing, unless it has to be compensated. */
  z.object({
    type: z.literal('late-result'),
    task,
    executionId: z.string(),
    outcome: z.enum(['completed', 'failed', 'aborted']),
    output: Json.optional(),
    error: z.string().optional(),
    compensation: CompensationData.optional()
  }),
  z.object({ type: z.literal('plan-completed'), results: z.array(Json) }),
  z.object({ type: z.literal('plan-failed'), failure: PlanFailure }),
  z.object({ type: z.literal('plan-aborted'), failure: PlanFailure, payload: Json }),
  z.object({ type: z.literal('compensation-sent'), ...sending }),
  z.object({ type: z.literal('compensation-attempt-failed'), task, attempt, error: z.string(), retryAt: z.number().optional() }),
  z.object({ type: z.literal('compensation-completed'), task }),
  z.object({ type: z.literal('compensation-partial'), task, completed: z.array(Json), remaining: z.array(Json) }),
  z.object({ type: z.literal('compensation-failed'), task, error: z.string(), attempts: z.int() }),
  z.object({ type: z.literal('compensation-expired'), task, error: z.string(), attempts: z.int() })
])
export type PlanEvent = z.infer<typeof PlanEvent>

/** `offset` counts from 0 without gaps within a plan; `at` is Unix milliseconds. */
export type LoggedPlanEvent = PlanEvent & { offset: number; at: number }

/** A use case of a grounding: an action as its users word it, with `{variables}`. */
export const UseCase = z.object({
  action: z.string(),
  params: z.record(z.string(), z.string()).default({}),
  capabilities: z.array(z.string()),
  intent: z.string()
})
export type UseCase = z.infer<typeof UseCase>

/** What is known of a domain: which actions there are, what they need, and which rules hold. */
export const Grounding = z.object({
  name: z.string(),
  domain: z.string(),
  version: z.string(),
  useCases: z.array(UseCase),
  constraints: z.array(z.string()).default([])
})
export type Grounding = z.infer<typeof Grounding>

/** A compensation that could not be done, for a person to see to. */
export const CompensationFailure = z.object({
  /** `c_` and 22 characters. */
  id: z.string(),
  projectId: z.string(),
  planId: z.string(),
  taskId: z.string(),
  serviceId: z.string(),
  serviceName: z.string(),
  /** What the service stored with its result, and when and why it was to be taken back. */
  compensation: z.object({ data: Json, context: Json, ttlMs: z.number() }),
  status: z.enum(['failed', 'expired']),
  resolutionState: z.enum(['pending', 'resolved', 'ignored']),
  failure: z.string(),
  resolution: z.string(),
  attemptsMade: z.int(),
  maxAttempts: z.int(),
  createdAt: z.number(),
  resolvedAt: z.number().nullable()
})
export type CompensationFailure = z.infer<typeof CompensationFailure>

/** `plan`: final states of plans. `compensation`: compensations that failed or expired. */
export const WebhookKind = z.enum(['plan', 'compensation'])
export type WebhookKind = z.infer<typeof WebhookKind>
