import type { Json, LoggedPlanEvent, Plan, PlanEvent, PlanFailure, PlanningAttempt, PlanRecord, PlanStatus } from '#contracts/plan.ts'
import { AppError } from '../errors.ts'
import type { Database, Statement } from './database.ts'

/** How far the taking back of a failed or aborted plan is; of tasks. */
export type CompensationCount = { active: boolean; total: number; completed: number; failed: number }

/** A plan's row. `number` counts the plans of this server. `settled`: nothing can happen to it any more. */
export type StoredPlan = { number: number; record: PlanRecord; compensation: CompensationCount | null; settled: boolean }

export type PlanListing = Pick<PlanRecord, 'id' | 'action' | 'status' | 'failure' | 'createdAt' | 'changedAt'> & {
  number: number
  compensation: CompensationCount | null
}

/** What of a row changes. */
export type PlanChange = Partial<
  Pick<PlanRecord, 'status' | 'cache' | 'grounding' | 'warnings' | 'results' | 'failure' | 'abortPayload' | 'deadlineAt'>
> & {
  changedAt?: number
  compensation?: CompensationCount | null
  settled?: boolean
}

/** An entry for the log. `id`: what it is about; a second entry of the same id is not taken. `body`: JSON text. */
export type LogEntry = { id: string; at: number; body: string }

export type PlanStore = {
  /** Returns the new plan's number. */
  create(record: Omit<PlanRecord, 'plan'>): number
  /** By id, of one project. Throws `not_found`. */
  find(projectId: string, id: string): StoredPlan
  byNumber(number: number): StoredPlan
  /** Who asked for it. */
  clientOf(id: string): string | undefined
  /** Newest first. `before`: the number of the last plan of the page before. */
  list(projectId: string, options: { status?: PlanStatus | undefined; limit: number; before?: number | undefined }): PlanListing[]
  /** Those that something may still happen to, oldest first. */
  unsettled(): StoredPlan[]
  /**
   * Appends to a plan's log from `offset` on and changes its row, all or nothing. `within`: more writes of the same transaction.
   * Throws `conflict` when the log is elsewhere, or has an entry of one of these ids.
   */
  commit(number: number, offset: number, entries: readonly LogEntry[], change: PlanChange | undefined, within?: () => void): void
  /** Entries from `offset` on, in order. */
  entries(number: number, offset?: number): (LogEntry & { offset: number })[]
  addAttempt(number: number, attempt: PlanningAttempt): void
  attempts(number: number): PlanningAttempt[]
  /** Deletes settled plans that last changed before that time, with their logs, at most so many. Returns how many went. */
  prune(before: number, most: number): number
}

type Row = {
  number: number
  id: string
  project: string
  client: string
  status: PlanStatus
  action: string
  data: string
  approval: string
  /** The log's first entry, which holds the plan. */
  started: string | null
  cache: string | null
  grounding: string | null
  warnings: string | null
  results: string | null
  failure: string | null
  abort_payload: string | null
  compensation: string | null
  timeout_ms: number
  grace_ms: number
  deadline_at: number | null
  created_at: number
  changed_at: number
  settled: number
}

/** Column of each thing that changes, and how it is written. */
const columns: Record<keyof PlanChange, { column: string; write: (value: never) => unknown }> = {
  status: { column: 'status', write: (value: string) => value },
  cache: { column: 'cache', write: toText },
  grounding: { column: 'grounding', write: (value: string | null) => value },
  warnings: { column: 'warnings', write: toText },
  results: { column: 'results', write: toText },
  failure: { column: 'failure', write: toText },
  abortPayload: { column: 'abort_payload', write: toText },
  deadlineAt: { column: 'deadline_at', write: (value: number | null) => value },
  changedAt: { column: 'changed_at', write: (value: number) => value },
  compensation: { column: 'compensation', write: toText },
  settled: { column: 'settled', write: (value: boolean) => (value ? 1 : 0) }
}

const whole = '*, (SELECT body FROM plan_log WHERE plan = number AND entry = 0) AS started'

export function createPlanStore(db: Database): PlanStore {
  const insert = db.prepare(`INSERT INTO plans
    (id, project, client, status, action, data, approval, cache, grounding, results, failure, abort_payload, timeout_ms, grace_ms, deadline_at,
     created_at, changed_at, settled) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`)
  const select = {
    byId: db.prepare<[string, string], Row>(`SELECT ${whole} FROM plans WHERE id = ? AND project = ?`),
    byNumber: db.prepare<[number], Row>(`SELECT ${whole} FROM plans WHERE number = ?`),
    client: db.prepare<[string], { client: string }>('SELECT client FROM plans WHERE id = ?'),
    unsettled: db.prepare<[], Row>(`SELECT ${whole} FROM plans WHERE settled = 0 ORDER BY number`),
    entries: db.prepare<[number, number], LogEntry & { offset: number }>(
      'SELECT entry AS "offset", id, at, body FROM plan_log WHERE plan = ? AND entry >= ? ORDER BY entry'
    ),
    attempts: db.prepare<[number], { body: string }>('SELECT body FROM planning_attempts WHERE plan = ? ORDER BY call')
  }
  const listed = 'number, id, action, status, failure, compensation, created_at, changed_at'
  const page = {
    all: db.prepare<[string, number, number], Row>(`SELECT ${listed} FROM plans WHERE project = ? AND number < ? ORDER BY number DESC LIMIT ?`),
    one: db.prepare<[string, string, number, number], Row>(
      `SELECT ${listed} FROM plans WHERE project = ? AND status = ? AND number < ? ORDER BY number DESC LIMIT ?`
    )
  }
  const append = db.prepare('INSERT INTO plan_log (plan, entry, id, at, body) VALUES (?, ?, ?, ?, ?)')
  const addAttempt = db.prepare(
    'INSERT INTO planning_attempts (plan, call, body) VALUES (@number, (SELECT count(*) FROM planning_attempts WHERE plan = @number), @body)'
  )
  const prune = db.prepare('DELETE FROM plans WHERE number IN (SELECT number FROM plans WHERE settled = 1 AND changed_at < ? LIMIT ?)')
  const updates = new Map<string, Statement>()

  const change = (number: number, changes: PlanChange) => {
    const names = (Object.keys(changes) as (keyof PlanChange)[]).filter((name) => changes[name] !== undefined)
    if (names.length === 0) return
    const key = names.join()
    let update = updates.get(key)
    if (update === undefined) {
      update = db.prepare(`UPDATE plans SET ${names.map((name) => `${columns[name].column} = ?`).join(', ')} WHERE number = ?`)
      updates.set(key, update)
    }
    // Each column's writer takes what that column holds.
    update.run(...names.map((name) => columns[name].write(changes[name] as never)), number)
  }
  const write = db.transaction((number: number, offset: number, entries: readonly LogEntry[], changes?: PlanChange, within?: () => void) => {
    let entry = offset
    for (const { id, at, body } of entries) append.run(number, entry++, id, at, body)
    if (changes !== undefined) change(number, changes)
    within?.()
  })

  return {
    create(record) {
      const { lastInsertRowid } = insert.run(
        record.id,
        record.projectId,
        record.clientId,
        record.status,
        record.action,
        JSON.stringify(record.data),
        JSON.stringify(record.approval),
        toText(record.cache),
        record.grounding,
        toText(record.results),
        toText(record.failure),
        toText(record.abortPayload),
        record.timeoutMs,
        record.gracePeriodMs,
        record.deadlineAt,
        record.createdAt,
        record.changedAt
      )
      return Number(lastInsertRowid)
    },
    find(projectId, id) {
      const row = select.byId.get(id, projectId)
      if (row === undefined)
        throw new AppError('not_found', `there is no plan ${JSON.stringify(id.slice(0, 64))} in this project; list the plans for their ids`)
      return fromRow(row)
    },
    clientOf: (id) => select.client.get(id)?.client,
    byNumber(number) {
      const row = select.byNumber.get(number)
      if (row === undefined) throw new AppError('not_found', `there is no plan number ${number}`)
      return fromRow(row)
    },
    list(projectId, { status, limit, before = Number.MAX_SAFE_INTEGER }) {
      const rows = status === undefined ? page.all.all(projectId, before, limit) : page.one.all(projectId, status, before, limit)
      return rows.map((row) => ({
        number: row.number,
        id: row.id,
        action: row.action,
        status: row.status,
        failure: fromText<PlanFailure>(row.failure),
        compensation: fromText<CompensationCount>(row.compensation),
        createdAt: row.created_at,
        changedAt: row.changed_at
      }))
    },
    unsettled: () => select.unsettled.all().map(fromRow),
    commit(number, offset, entries, changes, within) {
      try {
        write(number, offset, entries, changes, within)
      } catch (error) {
        if ((error as { code?: string }).code !== 'SQLITE_CONSTRAINT_UNIQUE') throw error
        throw new AppError('conflict', `plan number ${number} has moved on: its log has an entry like one of these`, { cause: error })
      }
    },
    entries: (number, offset = 0) => select.entries.all(number, offset),
    addAttempt: (number, attempt) => void addAttempt.run({ number, body: JSON.stringify(attempt) }),
    attempts: (number) => select.attempts.all(number).map(({ body }) => JSON.parse(body) as PlanningAttempt), // Written by `addAttempt` alone.
    prune: (before, most) => prune.run(before, most).changes
  }
}

/** An event as it lies in the log. */
export function toLogEntry(event: PlanEvent, at: number): LogEntry {
  return { id: identityOf(event), at, body: JSON.stringify(event) }
}

/** The reverse. */
export function fromLogEntry({ offset, at, body }: LogEntry & { offset: number }): LoggedPlanEvent {
  return { ...(JSON.parse(body) as PlanEvent), offset, at } // Only `toLogEntry` writes there.
}

/** What an event is about: two of the same identity cannot both have happened. */
function identityOf(event: PlanEvent): string {
  switch (event.type) {
    case 'plan-started':
      return 'start'
    case 'plan-completed':
    case 'plan-failed':
    case 'plan-aborted':
      return 'end'
    case 'task-sent':
    case 'compensation-sent':
      return `sent:${event.executionId}`
    case 'task-accepted':
      return `accepted:${event.executionId}`
    case 'task-interim':
      return `interim:${event.id}`
    case 'late-result':
      return `late:${event.executionId}:${event.outcome}`
    case 'task-completed':
    case 'task-failed':
    case 'task-aborted':
      return `task-end:${event.task}`
    case 'task-stopped':
      return `task-stopped:${event.task}`
    case 'approval-requested':
    case 'approval-decided':
      return `${event.type}:${event.task}`
    case 'task-attempt-failed':
      return `attempt-failed:${event.task}:${event.attempt}`
    case 'task-paused':
      return `paused:${event.task}:${event.id}`
    case 'compensation-attempt-failed':
      return `compensation-attempt-failed:${event.task}:${event.attempt}`
    case 'compensation-completed':
    case 'compensation-partial':
    case 'compensation-failed':
    case 'compensation-expired':
      return `compensation-end:${event.task}`
  }
}

function toText(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value)
}

function fromText<Value>(text: string | null): Value | null {
  return text === null ? null : (JSON.parse(text) as Value) // Only this file writes these columns.
}

function fromRow(row: Row): StoredPlan {
  return {
    number: row.number,
    settled: row.settled === 1,
    compensation: fromText<CompensationCount>(row.compensation),
    record: {
      id: row.id,
      projectId: row.project,
      clientId: row.client,
      action: row.action,
      data: fromText(row.data) ?? [],
      approval: fromText(row.approval) ?? [],
      status: row.status,
      plan: fromText<{ plan: Plan }>(row.started)?.plan ?? null,
      cache: fromText(row.cache),
      grounding: row.grounding,
      warnings: fromText(row.warnings) ?? [],
      results: fromText(row.results),
      failure: fromText<PlanFailure>(row.failure),
      abortPayload: fromText<Json>(row.abort_payload),
      timeoutMs: row.timeout_ms,
      gracePeriodMs: row.grace_ms,
      deadlineAt: row.deadline_at,
      createdAt: row.created_at,
      changedAt: row.changed_at
    }
  }
}
