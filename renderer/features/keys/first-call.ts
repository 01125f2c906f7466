import type { KeyRole } from '#contracts/key.ts'

/** A line for a shell that proves a key: a first answer where a model is there to give one, what it may see otherwise. */
export function firstCall({ origin, secret, role, model }: { origin: string; secret: string; role: KeyRole; model: string | undefined }): string {
  const key = `-H ${quoted(`Authorization: Bearer ${secret}`)}`
  if (role === 'project') return `curl ${quoted(`${origin}/outpost/plans`)} ${key}`
  if (model === undefined) return `curl ${quoted(`${origin}/v1/models`)} ${key}`
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] })
  return `curl ${quoted(`${origin}/v1/chat/completions`)} ${key} -H 'Content-Type: application/json' -d ${quoted(body)}`
}

/** As a shell takes it whole. */
function quoted(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
