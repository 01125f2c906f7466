import { z } from 'zod'
import { Lane } from './job.ts'
import { Role } from './key.ts'

/** Who is asking and what it may do. Times are Unix milliseconds. */
export const SessionReply = z.object({
  client: z.object({ id: z.string(), name: z.string(), role: Role, lane: Lane, projectId: z.string().nullable() }),
  /** By what it was told who is asking; `none`: a caller on this machine without a key. */
  by: z.enum(['cookie', 'key', 'socket', 'none']),
  /** When the sign-in ends unless it is used before; null: it is none. */
  expiresAt: z.number().nullable(),
  /** Names of our own endpoints that this client may call. */
  may: z.array(z.string()),
  server: z.object({ version: z.string(), host: z.string(), airGap: z.boolean() })
})
export type SessionReply = z.infer<typeof SessionReply>

/** By a link's token, once, or by a key, which the session then stands for. */
export const SignIn = z.union([z.strictObject({ token: z.string().min(1).max(200) }), z.strictObject({ key: z.string().trim().min(1).max(500) })])
export type SignIn = z.infer<typeof SignIn>

export const SignedOutReply = z.object({ signedOut: z.literal(true) })

/** Opens the console for its owner, once. */
export const SignInLink = z.object({ url: z.string(), expiresAt: z.number() })
export type SignInLink = z.infer<typeof SignInLink>

/** A browser that is signed in. */
export const Session = z.object({
  id: z.string(),
  /** Id of the key it stands for, or `owner`. */
  clientId: z.string(),
  /** What the browser called itself when it signed in. */
  browser: z.string(),
  createdAt: z.number(),
  usedAt: z.number(),
  expiresAt: z.number()
})
export type Session = z.infer<typeof Session>
export const SessionsReply = z.object({ sessions: z.array(Session) })
export const SessionsEndedReply = z.object({ ended: z.int() })
