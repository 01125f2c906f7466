import { z } from 'zod'

/** Something in the store that serves nothing. */
export const Garbage = z.object({
  path: z.string(),
  kind: z.enum(['unused blob', 'stopped pull', 'dead lock', 'draft', 'quarantined']),
  bytes: z.int().min(0)
})
export type Garbage = z.infer<typeof Garbage>

/** `freed`: bytes, also those that would be with `dryRun`. */
export const GarbageReport = z.object({ items: z.array(Garbage), freed: z.int().min(0), dryRun: z.boolean() })
export type GarbageReport = z.infer<typeof GarbageReport>

/** `freed`: bytes of files that nothing else used. `kept`: bytes that stay, because other models need them or they are not ours. */
export const RemovedReply = z.object({ model: z.string(), freed: z.int().min(0), kept: z.int().min(0) })
export type RemovedReply = z.infer<typeof RemovedReply>

/**
 * What came of looking at one file again. `unhashed`: its header is right, and there is no hash to hold its bytes against. `mended`: it had rotted, and was
 * fetched again.
 */
export const VerifiedFile = z.object({
  model: z.string(),
  file: z.string(),
  state: z.enum(['right', 'unhashed', 'mended', 'rotten', 'missing']),
  message: z.string().nullable(),
  /** Unix milliseconds. */
  at: z.int()
})
export type VerifiedFile = z.infer<typeof VerifiedFile>

/** `running` is null while nothing is being verified; `results` are those of the last order, the newest last. */
export const VerificationStatus = z.object({
  running: z.object({ model: z.string(), file: z.string(), received: z.int().min(0), total: z.int().min(0) }).nullable(),
  results: z.array(VerifiedFile)
})
export type VerificationStatus = z.infer<typeof VerificationStatus>
