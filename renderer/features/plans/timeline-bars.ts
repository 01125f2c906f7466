import type { TimelineSending, TimelineWait } from '#contracts/plan-views.ts'

/** A part of a row, in percent of the whole time. */
export type Bar = { kind: 'work' | 'failed' | 'wait'; from: number; width: number }

/** What goes on still goes to the end. */
export function barsOf(sendings: readonly TimelineSending[], waits: readonly TimelineWait[], totalMs: number): Bar[] {
  const bar = (kind: Bar['kind'], fromMs: number, toMs: number | null): Bar => {
    const from = Math.min(100, (fromMs / totalMs) * 100)
    return { kind, from, width: Math.max(0, Math.min(100, ((toMs ?? totalMs) / totalMs) * 100) - from) }
  }
  const isGood = (outcome: TimelineSending['outcome']) => outcome === 'running' || outcome === 'completed'
  return [
    ...waits.map(({ fromMs, toMs }) => bar('wait', fromMs, toMs)),
    ...sendings.map(({ sentMs, endMs, outcome }) => bar(isGood(outcome) ? 'work' : 'failed', sentMs, endMs))
  ]
}
