import { CompensationFailure } from '#contracts/plan.ts'
import { AppError } from '../errors.ts'
import type { Database } from './database.ts'

export type CompensationFailureStore = {
  create(failure: CompensationFailure): void
  /** Newest first. */
  list(projectId: string): CompensationFailure[]
  /** In the order in which they failed. */
  ofPlan(planId: string): CompensationFailure[]
  /** Throws `not_found`, also for one of another project. */
  find(projectId: string, id: string): CompensationFailure
  /** What a person did about it. May be said again: the last word counts. Throws `not_found`. */
  settle(projectId: string, id: string, resolution: 'resolved' | 'ignored', reason: string): CompensationFailure
}

export function createCompensationFailureStore(db: Database, now: () => number = Date.now): CompensationFailureStore {
  const insert = db.prepare(`INSERT INTO compensation_failures
    (id, project, plan, task, service, service_name, compensation, status, resolution_state, failure, resolution, attempts_made, max_attempts, created_at, resolved_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const byProject = db.prepare<[string], StoredFailure>('SELECT * FROM compensation_failures WHERE project = ? ORDER BY number DESC')
  const byPlan = db.prepare<[string], StoredFailure>('SELECT * FROM compensation_failures WHERE plan = ? ORDER BY number')
  const one = db.prepare<[string, string], StoredFailure>('SELECT * FROM compensation_failures WHERE project = ? AND id = ?')
  const resolve = db.prepare<[string, string, number, string, string], StoredFailure>(
    'UPDATE compensation_failures SET resolution_state = ?, resolution = ?, resolved_at = ? WHERE project = ? AND id = ? RETURNING *'
  )
  const found = (row: StoredFailure | undefined, id: string): CompensationFailure => {
    if (row !== undefined) return fromRow(row)
    throw new AppError('not_found', `there is no compensation failure ${JSON.stringify(id.slice(0, 64))} in this project; list them for their ids`)
  }
  return {
    create: (failure) =>
      void insert.run(
        failure.id,
        failure.projectId,
        failure.planId,
        failure.taskId,
        failure.serviceId,
        failure.serviceName,
        JSON.stringify(failure.compensation),
        failure.status,
        failure.resolutionState,
        failure.failure,
        failure.resolution,
        failure.attemptsMade,
        failure.maxAttempts,
        failure.createdAt,
        failure.resolvedAt
      ),
    list: (projectId) => byProject.all(projectId).map(fromRow),
    ofPlan: (planId) => byPlan.all(planId).map(fromRow),
    find: (projectId, id) => found(one.get(projectId, id), id),
    settle: (projectId, id, resolution, reason) => found(resolve.get(resolution, reason, now(), projectId, id), id)
  }
}

type StoredFailure = {
  id: string
  project: string
  plan: string
  task: string
  service: string
  service_name: string
  compensation: string
  status: string
  resolution_state: string
  failure: string
  resolution: string
  attempts_made: number
  max_attempts: number
  created_at: number
  resolved_at: number | null
}

function fromRow(row: StoredFailure): CompensationFailure {
  return CompensationFailure.parse({
    id: row.id,
    projectId: row.project,
    planId: row.plan,
    taskId: row.task,
    serviceId: row.service,
    serviceName: row.service_name,
    compensation: JSON.parse(row.compensation),
    status: row.status,
    resolutionState: row.resolution_state,
    failure: row.failure,
    resolution: row.resolution,
    attemptsMade: row.attempts_made,
    maxAttempts: row.max_attempts,
    createdAt: row.created_at,
    resolvedAt: row.resolved_at
  })
}
