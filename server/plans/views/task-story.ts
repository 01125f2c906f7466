import type { TaskViewState, TimelineSending, TimelineWait } from '#contracts/plan-views.ts'
import type { TaskEvent } from './plan-parts.ts'

/** One task from the log, told with times in Unix milliseconds. */
export type TaskStory = {
  state: TaskViewState
  endAt: number | null
  sendings: TimelineSending[]
  waits: TimelineWait[]
  interimResults: number
  lateResults: number
  error: string | null
}

/** Reads the entries of one task. Those of its compensation are passed over. */
export function tellTask(events: readonly TaskEvent[]): TaskStory {
  const story: TaskStory = { state: 'waiting', endAt: null, sendings: [], waits: [], interimResults: 0, lateResults: 0, error: null }
  for (const event of events) tell(story, event)
  return story
}

function tell(story: TaskStory, event: TaskEvent): void {
  const { at } = event
  switch (event.type) {
    case 'task-sent':
      endSending(story, at, 'lost')
      endWait(story, at)
      story.sendings.push({ attempt: event.attempt, sentMs: at, acceptedMs: null, endMs: null, outcome: 'running', error: null })
      story.state = 'running'
      return
    case 'task-accepted': {
      const sending = story.sendings.at(-1)
      if (sending !== undefined) sending.acceptedMs ??= at
      return
    }
    case 'task-interim':
      story.interimResults++
      return
    case 'task-paused':
      endSending(story, at, 'lost')
      wait(story, at, 'service', event.reason)
      story.state = 'paused'
      return
    case 'task-attempt-failed':
      endSending(story, at, event.timedOut ? 'timed-out' : 'failed', event.error)
      story.error = event.error
      if (event.retryAt !== undefined) wait(story, at, 'retry', event.error)
      story.state = 'retrying'
      return
    case 'approval-requested':
      wait(story, at, 'approval', 'a person has to approve it')
      story.state = 'approval'
      return
    case 'approval-decided':
      endWait(story, at)
      story.state = 'waiting'
      return
    case 'task-completed':
      story.error = null
      end(story, at, 'completed', 'completed')
      return
    case 'task-failed':
      story.error = event.error
      end(story, at, 'failed', 'failed', event.error)
      return
    case 'task-aborted':
      end(story, at, 'aborted', 'aborted')
      return
    case 'task-stopped':
      story.error ??= event.reason
      end(story, at, 'stopped', 'stopped')
      return
    case 'late-result':
      story.lateResults++
  }
}

function wait(story: TaskStory, at: number, type: TimelineWait['type'], reason: string): void {
  endWait(story, at)
  story.waits.push({ type, fromMs: at, toMs: null, reason })
}

function endWait(story: TaskStory, at: number): void {
  const last = story.waits.at(-1)
  if (last !== undefined) last.toMs ??= at
}

function endSending(story: TaskStory, at: number, outcome: TimelineSending['outcome'], error: string | null = null): void {
  const sending = story.sendings.at(-1)
  if (sending?.outcome !== 'running') return
  sending.endMs = at
  sending.outcome = outcome
  sending.error = error
}

function end(story: TaskStory, at: number, state: TaskViewState, outcome: TimelineSending['outcome'], error: string | null = null): void {
  // What was given up as lost or as timed out, and then came all the same, was done by that sending.
  const last = story.sendings.at(-1)
  if (state === 'completed' && last !== undefined && last.outcome !== 'running') {
    last.outcome = 'completed'
    last.endMs = at
    last.error = null
  }
  endSending(story, at, outcome, error)
  endWait(story, at)
  story.state = state
  story.endAt = at
}
