import { Lane } from '#contracts/job.ts'

/**
 * The one place that decides who goes first. BullMQ runs the lowest priority number first, and equal numbers in the order they came;
 * a job without a number would overtake all others, so every job gets one.
 */
const lanes = Lane.options

/** BullMQ allows 1 … 2^21. Each lane has a third of it, so no priority within a lane reaches into the next lane. */
const span = Math.floor(2 ** 21 / lanes.length)
const middle = Math.floor(span / 2)

/** Lane and priority within the lane (lower first, 0 usual, bounded) → BullMQ priority. */
export function toQueuePriority(lane: Lane, priority: number): number {
  const bounded = Math.max(-middle + 1, Math.min(middle - 1, Math.trunc(priority)))
  return lanes.indexOf(lane) * span + middle + bounded
}

/** BullMQ priority → lane, for showing what waits. */
export function laneOf(queuePriority: number): Lane {
  return lanes[Math.min(lanes.length - 1, Math.floor(queuePriority / span))] ?? 'batch'
}

/** The lane a client gets when it asks for one: never a better one than its key allows. */
export function boundedLane(wanted: Lane, best: Lane): Lane {
  return lanes[Math.max(lanes.indexOf(wanted), lanes.indexOf(best))] ?? 'batch'
}
