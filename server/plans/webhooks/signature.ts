import { createHmac, randomBytes } from 'node:crypto'

/** What a webhook's messages are signed with: 32 random bytes, as the text that is shown and is the key itself. */
export function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64url')}`
}

/**
 * `t=<unix seconds>,v1=<hex>`: HMAC-SHA256 over `<t>.<body>`. The time is signed too, so that a receiver can refuse what somebody recorded and
 * plays again.
 */
export function signBody(secret: string, body: string, unixSeconds: number): string {
  return `t=${unixSeconds},v1=${createHmac('sha256', secret).update(`${unixSeconds}.`).update(body).digest('hex')}`
}
