import { z } from 'zod'
import { Lane } from './job.ts'

/** `user`: models and plans. `administrator`: everything. */
export const KeyRole = z.enum(['user', 'administrator'])
export type KeyRole = z.infer<typeof KeyRole>

/** A key as it may be shown: its secret is not here and cannot be had again. Times are ISO 8601. */
export const Key = z.object({
  id: z.string(),
  name: z.string(),
  role: KeyRole,
  /** The best lane its requests may use. */
  lane: Lane,
  /** First characters of the secret, to tell keys apart. */
  prefix: z.string(),
  createdAt: z.string(),
  lastUsedAt: z.string().nullable(),
  revokedAt: z.string().nullable()
})
export type Key = z.infer<typeof Key>

export const NewKey = z.object({
  name: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .regex(/^[^\p{Cc}\p{Cf}]*$/u, 'must not have control characters'),
  role: KeyRole.default('user'),
  lane: Lane.default('interactive')
})
export type NewKey = z.infer<typeof NewKey>

/** `local`: this machine, no key, loopback only. `owner`: through the unix socket in the home folder. */
export const Role = z.enum(['local', 'user', 'administrator', 'owner'])
export type Role = z.infer<typeof Role>

/** Who is calling, after authentication. `id` is a key's id, `local` or `owner`. */
export type Client = { id: string; name: string; role: Role; lane: Lane }
