import type { PlanEvent, Service } from '#contracts/plan.ts'
import type { TaskMessage } from '../services/service-host.ts'
import { attemptFailed, compensationAttemptFailed, type Facts, mostLosses } from './advance.ts'
import { toCompensationOutcome } from './compensation.ts'
import type { CompensationState, PlanState, TaskState } from './state.ts'

/**
 * What a service's message means for a plan: entries for its log. Empty: nothing. A result counts by its idempotency key, whichever sending it
 * answers, as long as the task is open; afterwards it is noted as late, once, and only what it owes to be taken back matters. Pure.
 */
export function hear(state: PlanState, message: TaskMessage, service: Service, facts: Pick<Facts, 'wall' | 'random'>): PlanEvent[] {
  const compensation = [...state.compensations.values()].find(({ key }) => key === message.idempotencyKey)
  if (compensation !== undefined) return forCompensation(compensation, message, facts)
  const entry = [...state.tasks.values()].find(({ key }) => key === message.idempotencyKey)
  if (entry === undefined || entry.task.service !== message.serviceId) return []
  const task = entry.task.id
  const isOpen = state.end === undefined && (entry.phase === 'sent' || entry.phase === 'retrying' || entry.phase === 'paused')
  switch (message.type) {
    case 'accepted':
      if (!isOpen || state.late.has(`${message.executionId}:accepted`)) return []
      return [{ type: 'task-accepted', task, executionId: message.executionId }]
    case 'interim': {
      const id = `${message.executionId}:${message.messageId}`
      return isOpen && !state.interim.has(id) ? [{ type: 'task-interim', task, id, data: message.data }] : []
    }
    case 'completed': {
      const output = message.output ?? {}
      // A service that is not revertible owes nothing, whatever it sends.
      const owed = service.revertible && message.compensation !== undefined ? { compensation: message.compensation } : {}
      if (isOpen) return [{ type: 'task-completed', task, output, ...owed }]
      return late(state, entry, message, { output, ...owed })
    }
    case 'failed':
      // Of an attempt that was given up: the next one decides.
      if (isOpen && entry.phase === 'sent' && entry.execution?.executionId === message.executionId)
        return [attemptFailed(entry, message.error, false, facts)]
      return isOpen ? [] : late(state, entry, message, { error: message.error })
    case 'aborted':
      return isOpen ? [{ type: 'task-aborted', task, payload: message.payload }] : late(state, entry, message, { output: message.payload })
  }
}

/**
 * What it means that the connection broke over which a request had gone: its task waits for its service, without counting. Each further time that
 * the service dies without a word at the sight of it, it does count, or it would do so for ever. Pure.
 */
export function hearOfLoss(state: PlanState, executionId: string, facts: Pick<Facts, 'wall' | 'random'>): PlanEvent[] {
  for (const { task, phase, executionId: sending, errors } of state.compensations.values()) {
    if (phase === 'sent' && sending === executionId) return [compensationAttemptFailed(task.id, errors, lostConnection, facts)]
  }
  const entry = [...state.tasks.values()].find(({ phase, execution }) => phase === 'sent' && execution?.executionId === executionId)
  if (entry === undefined || state.end !== undefined) return []
  if (entry.losses >= mostLosses && !entry.heard) return [attemptFailed(entry, `${lostConnection} each time it was given the task`, false, facts)]
  const pause = { type: 'task-paused' as const, task: entry.task.id, id: String(entry.pauses), reason: lostConnection }
  return [entry.heard ? pause : { ...pause, lost: true }]
}

const lostConnection = 'its connection was lost'

function late(
  state: PlanState,
  entry: TaskState,
  message: TaskMessage & { type: 'completed' | 'failed' | 'aborted' },
  more: Omit<Extract<PlanEvent, { type: 'late-result' }>, 'type' | 'task' | 'executionId' | 'outcome'>
): PlanEvent[] {
  const { executionId, type: outcome } = message
  if (state.late.has(`${executionId}:${outcome}`)) return []
  const { output, compensation, error } = more
  const owes = compensation !== undefined && entry.phase !== 'completed' ? { compensation } : {}
  return [
    {
      type: 'late-result',
      task: entry.task.id,
      executionId,
      outcome,
      ...(output === undefined ? {} : { output }),
      ...(error === undefined ? {} : { error }),
      ...owes
    }
  ]
}

function forCompensation(compensation: CompensationState, message: TaskMessage, facts: Pick<Facts, 'wall' | 'random'>): PlanEvent[] {
  const { task, phase, errors } = compensation
  if (task.service !== message.serviceId || (phase !== 'sent' && phase !== 'retrying')) return []
  const failed = (error: string) =>
    phase === 'sent' && compensation.executionId === message.executionId ? [compensationAttemptFailed(task.id, errors, error, facts)] : []
  switch (message.type) {
    case 'failed':
      return failed(message.error)
    case 'aborted':
      return failed('the service aborted it')
    case 'completed': {
      const outcome = toCompensationOutcome(message.raw)
      if (outcome.type === 'failed') return failed(outcome.error)
      if (outcome.type === 'completed') return [{ type: 'compensation-completed', task: task.id }]
      return [{ type: 'compensation-partial', task: task.id, completed: outcome.completed, remaining: outcome.remaining }]
    }
    default:
      return []
  }
}
