import type { LoggedPlanEvent, Plan } from '#contracts/plan.ts'

export type TaskState = 'waiting' | 'processing' | 'retrying' | 'paused' | 'approval' | 'completed' | 'failed' | 'refused' | 'aborted' | 'stopped'

/** A task as it stands. Times are Unix milliseconds. */
export type TaskRow = {
  id: string
  service: string
  state: TaskState
  /** Tasks it gets something from. */
  after: string[]
  attempts: number
  startedAt: number | null
  endedAt: number | null
  /** The last thing worth knowing. */
  note: string
  /** How taking it back stands; empty: it was not taken back. */
  compensation: string
}

export type TaskRows = {
  /** False: it changed nothing that is shown. */
  add(event: LoggedPlanEvent): boolean
  list(): TaskRow[]
  find(task: string): TaskRow | undefined
}

/** The tasks of a plan as its log tells them. `serviceName`: of a service's id. */
export function createTaskRows(serviceName: (id: string) => string): TaskRows {
  const rows = new Map<string, TaskRow>()
  return {
    add(event) {
      if (event.type === 'plan-started') {
        for (const row of rowsOf(event.plan, serviceName)) rows.set(row.id, row)
        return true
      }
      const row = 'task' in event ? rows.get(event.task) : undefined
      return row !== undefined && apply(row, event)
    },
    list: () => [...rows.values()],
    find: (task) => rows.get(task)
  }
}

function rowsOf({ tasks }: Plan, serviceName: (id: string) => string): TaskRow[] {
  const ids = new Set(tasks.map(({ id }) => id))
  return tasks.map(({ id, service, input }) => {
    const after = new Set(Object.values(input).flatMap((value) => /^\$([^.]+)\./.exec(value)?.[1] ?? []))
    return {
      id,
      service: serviceName(service),
      state: 'waiting',
      after: [...after].filter((other) => ids.has(other)),
      attempts: 0,
      startedAt: null,
      endedAt: null,
      note: '',
      compensation: ''
    }
  })
}

function apply(row: TaskRow, event: LoggedPlanEvent): boolean {
  const become = (state: TaskState, note = '') => {
    Object.assign(row, { state, note })
    return true
  }
  const end = (state: TaskState, note = '') => {
    row.endedAt = event.at
    return become(state, note)
  }
  const takeBack = (how: string, note = row.note) => {
    Object.assign(row, { compensation: how, note })
    return true
  }
  switch (event.type) {
    case 'task-sent':
      row.startedAt ??= event.at
      row.attempts = event.attempt
      return become('processing')
    case 'task-interim':
      return become(row.state, textOf(event.data))
    case 'task-paused':
      return become('paused', event.reason)
    case 'task-attempt-failed':
      return become(event.retryAt === undefined ? row.state : 'retrying', event.error)
    case 'task-completed':
      return end('completed')
    case 'task-failed':
      return end('failed', event.error)
    case 'task-aborted':
      return end('aborted', event.payload === null ? '' : textOf(event.payload))
    case 'task-stopped':
      return end('stopped', event.reason)
    case 'approval-requested':
      return become('approval')
    case 'approval-decided':
      return event.approved
        ? become('waiting', `approved by ${event.by}`)
        : end('refused', `refused by ${event.by}${event.note ? `: ${event.note}` : ''}`)
    case 'late-result':
      return become(row.state, `a result (${event.outcome}) came too late`)
    case 'compensation-sent':
      return takeBack('taking back')
    case 'compensation-attempt-failed':
      return takeBack('taking back', event.error)
    case 'compensation-completed':
      return takeBack('taken back')
    case 'compensation-partial':
      return takeBack(`taken back in part, ${event.remaining.length} left`)
    case 'compensation-failed':
    case 'compensation-expired':
      return takeBack('not taken back', event.error)
    default:
      return false
  }
}

function textOf(data: unknown): string {
  return typeof data === 'string' ? data : JSON.stringify(data)
}
