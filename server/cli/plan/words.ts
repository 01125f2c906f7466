import type { Diagnosis, PlanFailure, PlanStatus } from '#contracts/plan.ts'
import { harmless, paint } from '../terminal.ts'
import type { TaskState } from './task-rows.ts'

const icons: Record<PlanStatus | TaskState, string> = {
  pending: '○',
  waiting: '○',
  processing: '◎',
  retrying: '◎',
  paused: '⏸',
  approval: '⏸',
  completed: '●',
  failed: '✕',
  refused: '✕',
  not_actionable: '⊘',
  aborted: '⊟',
  cancelled: '⊟',
  stopped: '⊟'
}
const colours: Readonly<Record<string, 'green' | 'red' | 'yellow' | 'cyan' | 'dim'>> = {
  '○': 'dim',
  '◎': 'cyan',
  '⏸': 'yellow',
  '●': 'green',
  '✕': 'red',
  '⊘': 'red',
  '⊟': 'yellow'
}

export function iconOf(state: PlanStatus | TaskState): string {
  return icons[state]
}

/** What is an icon in its colour, anything else as it is: for the cells of a table. */
export function paintIcon(text: string, stream?: NodeJS.WriteStream): string {
  const colour = colours[text]
  return colour === undefined ? text : paint(colour, text, stream)
}

export function wordOf(state: PlanStatus | TaskState): string {
  return state === 'not_actionable' ? 'not actionable' : state === 'approval' ? 'waits for approval' : state
}

/** 12 → `12 ms`, 1300 → `1.3 s`, 75000 → `1 min 15 s` */
export function inShortTime(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const minutes = Math.floor(ms / 60_000)
  return minutes < 60 ? `${minutes} min ${Math.floor((ms % 60_000) / 1000)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** `2026-11-24 16:55`, in the time of this machine. */
export function inDate(at: number): string {
  const date = new Date(at - new Date(at).getTimezoneOffset() * 60_000)
  return date.toISOString().slice(0, 16).replace('T', ' ')
}

/** One line of at most so many characters; what is cut off shows as …. */
export function clip(text: string, width: number): string {
  const line = harmless(text).replace(/\s+/g, ' ').trim()
  return line.length <= width ? line : `${line.slice(0, Math.max(1, width - 1))}…`
}

/** Why a plan did not end well, and what to change. */
export function failureLines({ message, task, service, diagnosis }: PlanFailure): string[] {
  const where = [task, service].filter((name) => name !== undefined).map(harmless)
  return [`${harmless(message)}${where.length === 0 ? '' : ` (${where.join(', ')})`}`, ...(diagnosis === undefined ? [] : diagnosisLines(diagnosis))]
}

function diagnosisLines({ rootCause, findings, remedies }: Diagnosis): string[] {
  return [
    `Cause: ${harmless(rootCause)}`,
    ...findings.map(({ service, task, field, problem }) => {
      const place = [task, service, field].filter((name) => name !== undefined).map(harmless)
      return `- ${place.length === 0 ? '' : `${place.join(', ')}: `}${harmless(problem)}`
    }),
    ...(remedies.length === 0 ? [] : ['What to change:']),
    ...remedies.map((remedy) => `- ${harmless(remedy)}`)
  ]
}
