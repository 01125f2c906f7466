import { z } from 'zod'
import { CacheVerdict, PlanStatus } from './plan.ts'

/**
 * How a task stands. `waiting`: for other tasks. `approval`: for a person. `paused`: its service is away. `retrying`: until the next attempt.
 * `stopped`: given up because the plan ended otherwise.
 */
export const TaskViewState = z.enum(['waiting', 'approval', 'running', 'paused', 'retrying', 'completed', 'failed', 'aborted', 'stopped'])
export type TaskViewState = z.infer<typeof TaskViewState>

export const CompensationViewState = z.enum(['pending', 'running', 'retrying', 'completed', 'partial', 'failed', 'expired'])
export type CompensationViewState = z.infer<typeof CompensationViewState>

/** Milliseconds from the plan's start. */
const ms = z.number()

/** One sending of a task or of its compensation. `lost`: whoever had it went away, and it was sent again. */
export const TimelineSending = z.object({
  attempt: z.int().min(1),
  sentMs: ms,
  /** When the service said that it works on it. */
  acceptedMs: ms.nullable(),
  endMs: ms.nullable(),
  outcome: z.enum(['running', 'completed', 'partial', 'failed', 'timed-out', 'aborted', 'stopped', 'lost', 'expired']),
  error: z.string().nullable()
})
export type TimelineSending = z.infer<typeof TimelineSending>

/** A time in which nothing could be done. `service`: it was away. `retry`: the pause after a failed attempt. */
export const TimelineWait = z.object({ type: z.enum(['approval', 'service', 'retry']), fromMs: ms, toMs: ms.nullable(), reason: z.string() })
export type TimelineWait = z.infer<typeof TimelineWait>

export const TimelineTask = z.object({
  task: z.string(),
  service: z.string(),
  serviceName: z.string(),
  state: TaskViewState,
  /** When all that it needs was there. */
  readyMs: ms.nullable(),
  endMs: ms.nullable(),
  sendings: z.array(TimelineSending),
  waits: z.array(TimelineWait),
  interimResults: z.int(),
  lateResults: z.int(),
  error: z.string().nullable()
})
export type TimelineTask = z.infer<typeof TimelineTask>

export const TimelineCompensation = z.object({
  task: z.string(),
  serviceName: z.string(),
  state: CompensationViewState,
  sendings: z.array(TimelineSending),
  endMs: ms.nullable(),
  error: z.string().nullable()
})
export type TimelineCompensation = z.infer<typeof TimelineCompensation>

/** What happened to a plan, when, and how long it took. Tasks in the plan's order, compensations in the order in which they were begun. */
export const PlanTimeline = z.object({
  id: z.string(),
  status: PlanStatus,
  /** Unix milliseconds; null: it never started. */
  startedAt: z.number().nullable(),
  /** From the request to the start, or to the end of a plan that never started. */
  planningMs: z.number(),
  /** From the start to the end, or until now. */
  runMs: z.number(),
  cache: CacheVerdict.nullable(),
  tasks: z.array(TimelineTask),
  compensations: z.array(TimelineCompensation)
})
export type PlanTimeline = z.infer<typeof PlanTimeline>

/** `data`: what the action brings, task0. `level`: one more than the highest of what it needs. */
export const GraphNode = z.discriminatedUnion('type', [
  z.object({ type: z.literal('data'), id: z.string(), level: z.int(), fields: z.array(z.string()) }),
  z.object({
    type: z.literal('task'),
    id: z.string(),
    level: z.int(),
    service: z.string(),
    serviceName: z.string(),
    revertible: z.boolean(),
    approval: z.boolean(),
    state: TaskViewState,
    compensation: CompensationViewState.nullable(),
    /** From its first sending to its end, or until now. */
    durationMs: z.number().nullable()
  })
])
export type GraphNode = z.infer<typeof GraphNode>

/** The field of one node's output that becomes the input of another. */
export const GraphEdge = z.object({ from: z.string(), field: z.string(), to: z.string(), input: z.string() })
export type GraphEdge = z.infer<typeof GraphEdge>

/** Tasks and the data between them. `levels`: ids of nodes, those of one level may run at the same time. */
export const PlanGraph = z.object({ nodes: z.array(GraphNode), edges: z.array(GraphEdge), levels: z.array(z.array(z.string())) })
export type PlanGraph = z.infer<typeof PlanGraph>
