import type { LoggedPlanEvent } from '#contracts/plan.ts'
import type { PlanDetails } from '#contracts/plan-api.ts'
import { harmless } from '../terminal.ts'
import { inShortTime } from './words.ts'

/** The log of a plan, a line each: when, what, to which task, and what came with it. Nothing is left out. */
export function eventLines({ events, plan }: PlanDetails): string[] {
  const width = Math.max(0, ...events.map(({ type }) => type.length))
  const lines = events.map((event) => {
    const { offset, at, type, ...rest } = event
    const { task, ...facts } = rest as { task?: string } & Record<string, unknown> // Whatever the event has beside.
    const when = `+${inShortTime(at - plan.createdAt)}`
    return `${String(offset).padStart(4)}  ${when.padStart(12)}  ${type.padEnd(width)}  ${(task ?? '').padEnd(8)}  ${harmless(factsOf(type, facts))}`.trimEnd()
  })
  return lines.length === 0 ? ['Nothing is on record but that it was asked for.'] : lines
}

function factsOf(type: LoggedPlanEvent['type'], facts: Record<string, unknown>): string {
  // It stands above as the table of tasks.
  if (type === 'plan-started') return ''
  return Object.entries(facts)
    .map(
      ([name, value]) =>
        `${name}=${name === 'retryAt' ? new Date(value as number).toISOString() : typeof value === 'string' ? value : JSON.stringify(value)}`
    )
    .join(' ')
}
