import { AppError } from '../../errors.ts'
import type { Fetch } from './guarded-fetch.ts'
import type { HttpRequest } from './http-request.ts'
import { excerptOf, resultLimit } from './tool.ts'

export type HttpAnswer = { status: number; contentType: string; text: string }

/**
 * Sends a request and reads the whole answer, at most 10 MiB, with every one of `secrets` blotted out of it. Follows no redirect: the address
 * was allowed, not where it points to. Throws AppError for every other status than 2xx, when there is no answer, and for an address that must
 * not be called.
 */
export async function callHttp(
  request: HttpRequest,
  { fetch, secrets, signal }: { fetch: Fetch; secrets: readonly string[]; signal: AbortSignal }
): Promise<HttpAnswer> {
  const { method, url, headers, body } = request
  const where = `${method} ${url.origin}${url.pathname}`
  let response: Response
  let text: string
  try {
    response = await fetch(url, { method, headers, signal, ...(body === undefined ? {} : { body }) })
    text = blotOut(await readBounded(response, where), secrets)
  } catch (error) {
    if (error instanceof AppError) throw error
    throw new AppError('engine_failed', `${where} gave no answer: ${blotOut(reasonOf(error), secrets)}`, { cause: error })
  }
  const { status } = response
  if (status >= 300 && status < 400) {
    const target = blotOut(response.headers.get('location') ?? 'nowhere', secrets)
    throw new AppError('engine_failed', `${where} redirects (${status}) to ${excerptOf(target, 200)}, and redirects are not followed`)
  }
  if (!response.ok) throw new AppError('engine_failed', `${where} answered ${status}: ${excerptOf(text) || '(nothing)'}`)
  return { status, contentType: response.headers.get('content-type') ?? '', text }
}

/** What must not be seen of a header: all of it, and each word of it that is long enough to be the secret (`Bearer …`). */
export function secretsOf(header: { value: string } | undefined): string[] {
  if (header === undefined) return []
  const words = header.value.split(/\s+/).filter((word) => word.length >= 8)
  return [...new Set([header.value, ...words].flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]))]
}

/** Services like to answer with what they were sent. */
export function blotOut(text: string, secrets: readonly string[]): string {
  return secrets.reduce((blotted, secret) => blotted.replaceAll(secret, '[hidden]'), text)
}

async function readBounded(response: Response, where: string): Promise<string> {
  const reader = response.body?.getReader()
  if (reader === undefined) return ''
  const chunks: Uint8Array[] = []
  let bytes = 0
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    bytes += part.value.byteLength
    if (bytes > resultLimit) {
      await reader.cancel()
      throw new AppError('payload_too_large', `${where} answered more than ${resultLimit} bytes: ask for less`)
    }
    chunks.push(part.value)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** A refused connection to a name with several addresses has its reasons below. */
function reasonOf(error: unknown): string {
  const inner = error instanceof AggregateError ? error.errors[0] : error
  return excerptOf(inner instanceof Error ? inner.message : String(inner), 200)
}
