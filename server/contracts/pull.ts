import { z } from 'zod'
import { ErrorCode } from './error.ts'

/** What one place answered that had no good file. */
export const SourceFailure = z.object({ file: z.string(), source: z.string(), reason: z.string() })
export type SourceFailure = z.infer<typeof SourceFailure>

/** A pull as the server sees it now, and for a while after its end. Times are Unix milliseconds. */
export const PullStatus = z.object({
  model: z.string(),
  state: z.enum(['running', 'done', 'failed', 'stopped']),
  /** Of all its files. */
  received: z.int().min(0),
  total: z.int().min(0).nullable(),
  file: z.string().nullable(),
  source: z.string().nullable(),
  bytesPerSecond: z.number().nullable(),
  msLeft: z.number().nullable(),
  /** Bytes a second it may take at most. */
  limitRate: z.int().nullable(),
  failures: z.array(SourceFailure),
  /** What its owner should know: no one vouched for a hash, a part had to be fetched again. */
  warnings: z.array(z.string()),
  error: z.object({ code: ErrorCode, message: z.string() }).nullable(),
  startedAt: z.int(),
  endedAt: z.int().nullable()
})
export type PullStatus = z.infer<typeof PullStatus>

/** `model`: an id, an alias, or a place: `hf:org/repo:Q4_K_M`, `hf:org/repo/path.gguf@revision`, `https://…/model.gguf`, `s3://bucket/key.gguf`. */
export const PullOrder = z.object({
  model: z.string().min(1).max(2000),
  /** Bytes a second. */
  limitRate: z.int().min(1024).optional()
})
export type PullOrder = z.infer<typeof PullOrder>
