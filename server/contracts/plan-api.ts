import { z } from 'zod'
import { administration, type Endpoint, idParams, pageSize } from './endpoint.ts'
import { ErrorCode } from './error.ts'
import { Key } from './key.ts'
import {
  CompensationFailure,
  Grounding,
  Json,
  type LoggedPlanEvent,
  PlanEvent,
  PlanFailure,
  PlanningAttempt,
  PlanOrder,
  PlanRecord,
  PlanStatus,
  Service,
  WebhookKind
} from './plan.ts'
import { Toolbox, ToolboxSpec } from './plan-tools.ts'
import { PlanGraph, PlanTimeline } from './plan-views.ts'

/** Everybody who may use the plan engine: in the project of their key, else in the server's own. */
const planUsers = ['local', 'project', 'user', 'administrator', 'owner'] as const
/** Approving is for people: a project's key is in the hands of its services, and would approve its own tasks. */
const people = ['local', 'user', 'administrator', 'owner'] as const
/** Who may register services: not a caller without a key. */
const registrars = ['project', 'user', 'administrator', 'owner'] as const
/** Who settles how a project works: its keys can do as much through the original's API. */
const stewards = ['project', 'administrator', 'owner'] as const

/** Id of a project. Only administrators and the owner may name another one than their own. */
const project = z.string().min(1).max(100).optional()
const ProjectQuery = z.object({ project })

/** Times are Unix milliseconds. */
export const Project = z.object({ id: z.string(), name: z.string(), createdAt: z.number(), updatedAt: z.number() })
export type Project = z.infer<typeof Project>

export const NewProject = z.object({
  name: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .regex(/^[^\p{Cc}\p{Cf}]*$/u, 'must not have control characters')
})

/** `async`: answer at once instead of when the plan has ended; follow it by its events. */
export const PlanSubmission = PlanOrder.extend({ async: z.boolean().default(false) })
export type PlanSubmission = z.infer<typeof PlanSubmission>

export const PlanReply = z.object({ plan: PlanRecord })
export const PlanSummary = PlanRecord.pick({ id: true, action: true, status: true, createdAt: true, changedAt: true }).extend({
  failure: PlanFailure.nullable(),
  /** Of failed and aborted plans with revertible tasks. */
  compensation: z.object({ active: z.boolean(), total: z.int(), completed: z.int(), failed: z.int() }).nullable()
})
export type PlanSummary = z.infer<typeof PlanSummary>
/** `next`: give as `before` to go on; null: that was all. */
export const PlansReply = z.object({ plans: z.array(PlanSummary), next: z.string().nullable() })
export const PlansQuery = z.object({ project, status: PlanStatus.optional(), limit: pageSize.default(100), before: z.string().max(200).optional() })

const LoggedEvent: z.ZodType<LoggedPlanEvent> = z.intersection(PlanEvent, z.object({ offset: z.int(), at: z.number() }))
/** `services`: those of its tasks, in the versions it was made with. */
export const PlanDetails = z.object({ plan: PlanRecord, events: z.array(LoggedEvent), services: z.array(Service) })
export type PlanDetails = z.infer<typeof PlanDetails>
export const AttemptsReply = z.object({ attempts: z.array(PlanningAttempt) })

/** Texts of a PDDL domain and problem, STRIPS with types. */
export const PddlReply = z.object({ domain: z.string(), problem: z.string() })

export const Abortion = z.object({ reason: z.string().trim().max(2000).default('') })
/** On a task that waits for approval. */
export const Decision = z.object({ task: z.string().min(1).max(200), approved: z.boolean(), note: z.string().trim().max(2000).optional() })
export type Decision = z.infer<typeof Decision>

/** `healthy`: an instance is connected, or the tool can be used. */
export const ServiceView = Service.extend({ healthy: z.boolean(), instances: z.int() })
export type ServiceView = z.infer<typeof ServiceView>
/** `id`: of an earlier registration, to make a new version of it. Its schemas are checked by the plan engine. */
export const Registration = z.object({
  kind: z.enum(['service', 'agent']).default('service'),
  id: z.string().max(200).nullish(),
  name: z.string(),
  description: z.string(),
  schema: z.object({ input: z.unknown().optional(), output: z.unknown().optional() }),
  revertible: z.boolean().default(false),
  approval: z.boolean().optional()
})
export type Registration = z.infer<typeof Registration>

export const Webhook = z.object({ id: z.string(), projectId: z.string(), kind: WebhookKind, url: z.string(), createdAt: z.number() })
export type Webhook = z.infer<typeof Webhook>
export const NewWebhook = z.object({ kind: WebhookKind.default('plan'), url: z.string().min(1).max(4096) })
export type NewWebhook = z.infer<typeof NewWebhook>
export const Delivery = z.object({
  id: z.string(),
  webhookId: z.string(),
  url: z.string(),
  event: z.string(),
  planId: z.string(),
  state: z.enum(['waiting', 'delivered', 'failed']),
  attempts: z.int(),
  /** HTTP status of the last attempt. */
  status: z.int().nullable(),
  error: z.string().nullable(),
  nextAt: z.number().nullable(),
  createdAt: z.number(),
  deliveredAt: z.number().nullable()
})
export type Delivery = z.infer<typeof Delivery>
export const DeliveriesQuery = z.object({ project, plan: z.string().max(200).optional(), limit: pageSize.default(100) })

export const Settlement = z.object({ resolution: z.enum(['resolved', 'ignored']), reason: z.string().trim().max(4000).default('') })
export type Settlement = z.infer<typeof Settlement>

export const CacheEntry = z.object({
  id: z.string(),
  action: z.string(),
  planId: z.string(),
  fields: z.array(z.string()),
  tasks: z.int(),
  hits: z.int(),
  createdAt: z.number(),
  lastHitAt: z.number().nullable()
})
export type CacheEntry = z.infer<typeof CacheEntry>

/** How planning goes. `etaMs`: milliseconds; null: not known. */
const Progress = z.discriminatedUnion('type', [
  z.object({ type: z.literal('waiting'), position: z.int(), etaMs: z.number().nullable() }),
  z.object({ type: z.literal('loading'), percent: z.number() }),
  z.object({ type: z.literal('attempt'), attempt: z.int(), phase: PlanningAttempt.shape.phase }),
  z.object({ type: z.enum(['thinking', 'writing']), characters: z.int() })
])
export type PlanProgress = z.infer<typeof Progress>

/** One event of `GET /outpost/plans/:id/events`. A `plan-status` that is `settled` is the last one: the plan has ended, and what had to be taken back has been. */
export const PlanStreamEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('plan-progress'), progress: Progress }),
  z.object({ type: z.literal('plan-event'), event: LoggedEvent }),
  z.object({ type: z.literal('plan-status'), plan: PlanRecord, settled: z.boolean() }),
  z.object({ type: z.literal('error'), code: ErrorCode, message: z.string(), retryable: z.boolean() })
])
export type PlanStreamEvent = z.infer<typeof PlanStreamEvent>

export const isFinal = (status: PlanStatus): boolean => status !== 'pending' && status !== 'processing'

const ToolboxReply = z.object({ toolbox: Toolbox })
const removed = z.object({ removed: z.literal(true), id: z.string() })

/** The plan engine's part of our own endpoints. */
export const planEndpoints = {
  runPlan: {
    method: 'POST',
    path: '/outpost/plans',
    summary: 'Plan an action and run it; answers when it has ended, or at once with "async": true',
    roles: planUsers,
    query: ProjectQuery,
    body: PlanSubmission,
    reply: PlanReply
  },
  plans: {
    method: 'GET',
    path: '/outpost/plans',
    summary: 'Plans, newest first',
    roles: planUsers,
    query: PlansQuery,
    reply: PlansReply
  },
  plan: {
    method: 'GET',
    path: '/outpost/plans/:id',
    summary: 'A plan with its log and the services of its tasks',
    roles: planUsers,
    params: idParams,
    query: ProjectQuery,
    reply: PlanDetails
  },
  followPlan: {
    method: 'GET',
    path: '/outpost/plans/:id/events',
    summary: 'Follow a plan, from the start or after the log offset in Last-Event-ID',
    roles: planUsers,
    params: idParams,
    query: ProjectQuery,
    reply: 'plan-events'
  },
  planGraph: {
    method: 'GET',
    path: '/outpost/plans/:id/graph',
    summary: 'Tasks of a plan and which field goes where',
    roles: planUsers,
    params: idParams,
    query: ProjectQuery,
    reply: PlanGraph
  },
  planPddl: {
    method: 'GET',
    path: '/outpost/plans/:id/pddl',
    summary: 'The plan as PDDL, for tools that check or draw plans; only of plans that a grounding applied to',
    roles: planUsers,
    params: idParams,
    query: ProjectQuery,
    reply: PddlReply
  },
  planTimeline: {
    method: 'GET',
    path: '/outpost/plans/:id/timeline',
    summary: 'When each task was sent, waited, was tried again and ended, in milliseconds from the start',
    roles: planUsers,
    params: idParams,
    query: ProjectQuery,
    reply: PlanTimeline
  },
  planAttempts: {
    method: 'GET',
    path: '/outpost/plans/:id/attempts',
    summary: 'Prompts and answers of the planning, exactly as they were',
    roles: administration,
    params: idParams,
    query: ProjectQuery,
    reply: AttemptsReply
  },
  abortPlan: {
    method: 'POST',
    path: '/outpost/plans/:id/abort',
    summary: 'Stop a plan and take back what can be taken back',
    roles: planUsers,
    params: idParams,
    query: ProjectQuery,
    body: Abortion,
    reply: PlanReply
  },
  decideTask: {
    method: 'POST',
    path: '/outpost/plans/:id/decisions',
    summary: 'Approve or refuse a task that waits for it',
    roles: people,
    params: idParams,
    query: ProjectQuery,
    body: Decision,
    reply: PlanReply
  },
  services: {
    method: 'GET',
    path: '/outpost/services',
    summary: 'Services and agents that plans may use',
    roles: planUsers,
    query: ProjectQuery,
    reply: z.object({ services: z.array(ServiceView) })
  },
  registerService: {
    method: 'POST',
    path: '/outpost/services',
    summary: 'Register a service or a new version of it',
    roles: registrars,
    query: ProjectQuery,
    body: Registration,
    status: 201,
    reply: z.object({ service: Service })
  },
  service: {
    method: 'GET',
    path: '/outpost/services/:id',
    summary: 'A service with its schemas',
    roles: planUsers,
    params: idParams,
    query: ProjectQuery,
    reply: z.object({ service: ServiceView })
  },
  removeService: {
    method: 'DELETE',
    path: '/outpost/services/:id',
    summary: 'Take a service out of future plans; plans that run go on',
    roles: stewards,
    params: idParams,
    query: ProjectQuery,
    reply: removed
  },
  toolboxes: {
    method: 'GET',
    path: '/outpost/toolboxes',
    summary: 'Tools built in: models, HTTP APIs and MCP servers that became services',
    roles: administration,
    query: ProjectQuery,
    reply: z.object({ toolboxes: z.array(Toolbox) })
  },
  addToolbox: {
    method: 'POST',
    path: '/outpost/toolboxes',
    summary: 'Make services of models, of an OpenAPI file or of an MCP server; a program is only run for the owner and for keys on this machine',
    roles: administration,
    query: ProjectQuery,
    body: ToolboxSpec,
    status: 201,
    reply: ToolboxReply
  },
  toolbox: {
    method: 'GET',
    path: '/outpost/toolboxes/:id',
    summary: 'A toolbox: its services, and what it could not offer and why',
    roles: administration,
    params: idParams,
    query: ProjectQuery,
    reply: ToolboxReply
  },
  replaceToolbox: {
    method: 'POST',
    path: '/outpost/toolboxes/:id',
    summary: 'Another description, address or secret; its kind and name stay',
    roles: administration,
    params: idParams,
    query: ProjectQuery,
    body: ToolboxSpec,
    reply: ToolboxReply
  },
  refreshToolbox: {
    method: 'POST',
    path: '/outpost/toolboxes/:id/refresh',
    summary: 'Take over what an MCP server offers now',
    roles: administration,
    params: idParams,
    query: ProjectQuery,
    reply: ToolboxReply
  },
  removeToolbox: {
    method: 'DELETE',
    path: '/outpost/toolboxes/:id',
    summary: 'Remove a toolbox with its services',
    roles: administration,
    params: idParams,
    query: ProjectQuery,
    reply: removed
  },
  groundings: {
    method: 'GET',
    path: '/outpost/groundings',
    summary: 'Groundings: what is known of a domain',
    roles: planUsers,
    query: ProjectQuery,
    reply: z.object({ groundings: z.array(Grounding) })
  },
  applyGrounding: {
    method: 'POST',
    path: '/outpost/groundings',
    summary: 'Apply a grounding; another version of the same name is replaced',
    roles: stewards,
    query: ProjectQuery,
    body: z.record(z.string(), Json),
    status: 201,
    reply: z.object({ grounding: Grounding })
  },
  removeGrounding: {
    method: 'DELETE',
    path: '/outpost/groundings/:id',
    summary: 'Remove a grounding, by its name',
    roles: stewards,
    params: idParams,
    query: ProjectQuery,
    reply: removed
  },
  webhooks: {
    method: 'GET',
    path: '/outpost/webhooks',
    summary: 'Who is told how plans end',
    roles: stewards,
    query: ProjectQuery,
    reply: z.object({ webhooks: z.array(Webhook) })
  },
  addWebhook: {
    method: 'POST',
    path: '/outpost/webhooks',
    summary: 'Add a webhook; the secret that signs what is sent there is shown this once',
    roles: stewards,
    query: ProjectQuery,
    body: NewWebhook,
    status: 201,
    reply: z.object({ webhook: Webhook, secret: z.string() })
  },
  removeWebhook: {
    method: 'DELETE',
    path: '/outpost/webhooks/:id',
    summary: 'Remove a webhook',
    roles: stewards,
    params: idParams,
    query: ProjectQuery,
    reply: removed
  },
  deliveries: {
    method: 'GET',
    path: '/outpost/deliveries',
    summary: 'What was sent to webhooks, newest first',
    roles: stewards,
    query: DeliveriesQuery,
    reply: z.object({ deliveries: z.array(Delivery) })
  },
  redeliver: {
    method: 'POST',
    path: '/outpost/deliveries/:id/redeliver',
    summary: 'Send a delivery once more, now',
    roles: stewards,
    params: idParams,
    query: ProjectQuery,
    status: 202,
    reply: z.object({ accepted: z.literal(true), id: z.string() })
  },
  compensationFailures: {
    method: 'GET',
    path: '/outpost/compensation-failures',
    summary: 'Compensations that could not be done, newest first',
    roles: planUsers,
    query: ProjectQuery,
    reply: z.object({ failures: z.array(CompensationFailure) })
  },
  compensationFailure: {
    method: 'GET',
    path: '/outpost/compensation-failures/:id',
    summary: 'One of them, with what the service needs to make up for it',
    roles: planUsers,
    params: idParams,
    query: ProjectQuery,
    reply: z.object({ failure: CompensationFailure })
  },
  settleCompensation: {
    method: 'POST',
    path: '/outpost/compensation-failures/:id/settle',
    summary: 'Note that somebody saw to it, or that nobody needs to',
    roles: stewards,
    params: idParams,
    query: ProjectQuery,
    body: Settlement,
    reply: z.object({ failure: CompensationFailure })
  },
  planCache: {
    method: 'GET',
    path: '/outpost/plan-cache',
    summary: 'Plans that are used again for similar actions',
    roles: stewards,
    query: ProjectQuery,
    reply: z.object({ entries: z.array(CacheEntry) })
  },
  clearPlanCache: {
    method: 'DELETE',
    path: '/outpost/plan-cache',
    summary: 'Forget them, so that every action is planned anew',
    roles: stewards,
    query: ProjectQuery,
    reply: z.object({ cleared: z.int() })
  },
  projects: {
    method: 'GET',
    path: '/outpost/projects',
    summary: 'Every project; `own` is where callers are whose key belongs to none',
    roles: administration,
    reply: z.object({ projects: z.array(Project), own: z.string() })
  },
  createProject: {
    method: 'POST',
    path: '/outpost/projects',
    summary: 'Make a project and its first key; the secret is shown this once',
    roles: administration,
    body: NewProject,
    status: 201,
    reply: z.object({ project: Project, key: Key, secret: z.string() })
  }
} as const satisfies Record<string, Endpoint>
