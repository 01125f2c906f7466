import { z } from 'zod'
import type { Role } from './key.ts'

/** One of our own endpoints. Path parameters are written `:name`. The renderer and the command line call from the same tables. */
export type Endpoint = {
  method: 'GET' | 'POST' | 'DELETE'
  path: string
  summary: string
  /** Whose clients may call it; `public`: nobody is asked who it is. */
  roles: readonly Role[] | 'public'
  params?: z.ZodType
  query?: z.ZodType
  /** `bytes`: a file as it is, of any media type. */
  body?: z.ZodType | 'bytes'
  /** Bytes, where it is not the server's own limit. */
  bodyLimit?: number
  /** Of success; 200 where it is not given. */
  status?: 201 | 202
  /**
   * What success answers. `events`: a job's events as server-sent events instead; `pull-events`: those of a pull; `plan-events`: those of a
   * plan; `live-events`: what changes on this server; `bytes`: a file.
   */
  reply: z.ZodType | 'events' | 'pull-events' | 'plan-events' | 'live-events' | 'bytes'
}

/** Whoever could be told apart at all. */
export const anyone = ['local', 'project', 'user', 'administrator', 'owner'] as const

/** Whoever may use models. */
export const everyone = ['local', 'user', 'administrator', 'owner'] as const
/** Not a caller without a key: who takes gigabytes is known. */
export const keyHolders = ['user', 'administrator', 'owner'] as const
export const administration = ['administrator', 'owner'] as const

export const idParams = z.object({ id: z.string().min(1).max(200) })

/** Unix milliseconds or a count, as it stands in a query. */
export const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .transform(Number)
/** Rows of one page. */
export const pageSize = z
  .string()
  .regex(/^([1-9]\d{0,2}|1000)$/, 'must be a whole number from 1 to 1000')
  .transform(Number)
