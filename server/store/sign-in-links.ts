import { createHash, randomBytes } from 'node:crypto'

/** Tokens that open the console for its owner, each once. They end with the process. */
export type SignInLinks = {
  create(): { token: string; expiresAt: number }
  /** True the first time, within its ten minutes. */
  redeem(token: string): boolean
}

const linkMs = 10 * 60_000
/** Made and not used; the oldest makes room. */
const mostLinks = 20

export function createSignInLinks(now: () => number = Date.now): SignInLinks {
  /** By digest: what lies in memory opens nothing. */
  const links = new Map<string, number>()
  const digestOf = (token: string) => createHash('sha256').update(token).digest('hex')
  return {
    create() {
      for (const [digest, expiresAt] of links) if (expiresAt <= now() || links.size >= mostLinks) links.delete(digest)
      const token = randomBytes(32).toString('base64url')
      const expiresAt = now() + linkMs
      links.set(digestOf(token), expiresAt)
      return { token, expiresAt }
    },
    redeem(token) {
      const digest = digestOf(token)
      const expiresAt = links.get(digest)
      links.delete(digest)
      return expiresAt !== undefined && expiresAt > now()
    }
  }
}
