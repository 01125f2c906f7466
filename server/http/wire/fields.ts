import { z } from 'zod'
import type { Lane } from '#contracts/job.ts'
import type { Client } from '#contracts/key.ts'
import { boundedLane } from '../../queue/lanes.ts'

/** Schemas of fields that several foreign endpoints share. Foreign bodies may send null for "not given". */

export function numberBetween(minimum: number, maximum: number) {
  const rule = `must be a number from ${minimum} to ${maximum}`
  return z.number(rule).min(minimum, rule).max(maximum, rule).nullish()
}

export function wholeNumberBetween(minimum: number, maximum: number) {
  const rule = `must be a whole number from ${minimum} to ${maximum}`
  return z.int(rule).min(minimum, rule).max(maximum, rule).nullish()
}

export const modelName = z.string('must be the name of a model').min(1, 'must be the name of a model').max(256)

export const priority = wholeNumberBetween(-1_000_000, 1_000_000)

export const serviceTier = z
  .enum(['auto', 'default', 'flex', 'priority', 'scale'], 'must be one of "auto", "default", "flex", "priority", "scale"')
  .nullish()

const tiers = { auto: 'normal', default: 'normal', flex: 'batch', priority: 'interactive', scale: 'interactive' } as const

/** The lane a request asked for, never better than its client's. */
export function laneFor(client: Client, tier: z.infer<typeof serviceTier>): Lane {
  return boundedLane(tiers[tier ?? 'default'], client.lane)
}

/** The tier that was given, in OpenAI's words. */
export function tierOf(lane: Lane): 'priority' | 'default' | 'flex' {
  if (lane === 'interactive') return 'priority'
  return lane === 'batch' ? 'flex' : 'default'
}
