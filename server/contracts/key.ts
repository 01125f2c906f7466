import { z } from 'zod'
import { Lane } from './job.ts'

/**
 * `user`: models and plans. `administrator`: everything. `project`: the plan engine in one project, and nothing else: what services and
 * applications of the project are given.
 */
export const KeyRole = z.enum(['user', 'administrator', 'project'])
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
  revokedAt: z.string().nullable(),
  /** The project it belongs to; null: none, and plans are those of the server's own project. */
  projectId: z.string().nullable()
})
export type Key = z.infer<typeof Key>

export const NewKey = z
  .object({
    name: z
      .string()
      .trim()
      .min(1)
      .max(100)
      .regex(/^[^\p{Cc}\p{Cf}]*$/u, 'must not have control characters'),
    role: KeyRole.default('user'),
    lane: Lane.default('interactive'),
    /** Id of a project; needed for the role `project`, and not for administrators, who have all of them. */
    project: z.string().min(1).max(100).optional()
  })
  .refine(({ role, project }) => role !== 'project' || project !== undefined, { path: ['project'], message: 'is required for the role project' })
  .refine(({ role, project }) => role !== 'administrator' || project === undefined, {
    path: ['project'],
    message: 'must be left out for an administrator, who has every project'
  })
export type NewKey = z.infer<typeof NewKey>

/** `local`: this machine, no key, loopback only. `owner`: through the unix socket in the home folder. */
export const Role = z.enum(['local', 'project', 'user', 'administrator', 'owner'])
export type Role = z.infer<typeof Role>

/** Who is calling, after authentication. `id` is a key's id, `local` or `owner`. `projectId`: of keys that belong to a project. */
export type Client = { id: string; name: string; role: Role; lane: Lane; projectId?: string }
