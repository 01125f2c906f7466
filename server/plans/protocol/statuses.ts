import { z } from 'zod'

/** A word as the protocol reads it: upper and lower case are the same, blanks around it do not count. */
const word = <Words extends readonly [string, ...string[]]>(words: Words) => z.string().trim().toLowerCase().pipe(z.enum(words))

/** State of a plan or of a task, in the words of the protocol. */
export const WireStatus = word([
  'registered',
  'pending',
  'preparing',
  'processing',
  'paused',
  'continue',
  'completed',
  'failed',
  'failed_not_retryable',
  'not_actionable',
  'aborted',
  'cancelled'
])
export type WireStatus = z.infer<typeof WireStatus>

export const WireServiceKind = word(['service', 'agent'])
export type WireServiceKind = z.infer<typeof WireServiceKind>

/** How the compensation of a task stands. Written exactly so. */
export const WireCompensationStatus = z.enum(['pending', 'processing', 'completed', 'partial', 'failed', 'expired'])
export type WireCompensationStatus = z.infer<typeof WireCompensationStatus>

/** What a person decided about a compensation that failed. Written exactly so. */
export const WireResolutionState = z.enum(['pending', 'resolved', 'ignored'])
export type WireResolutionState = z.infer<typeof WireResolutionState>
