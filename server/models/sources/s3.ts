import { createHash, createHmac } from 'node:crypto'
import { firstPlaceSource } from './first-place.ts'
import { HttpRefusal, type NetworkRules, openDownload } from './http-download.ts'
import type { Source, WantedFile } from './source.ts'

/** As the `AWS_…` variables say. Without a key requests are not signed, which public buckets take. */
export type S3Settings = {
  /** Of a server that speaks S3; `AWS_ENDPOINT_URL`. */
  endpoint?: string | undefined
  region?: string | undefined
  accessKeyId?: string | undefined
  secretAccessKey?: string | undefined
  sessionToken?: string | undefined
}

/** A folder of a bucket: `s3://bucket/prefix`, with the files under their own names or under `sha256-…`. */
export function s3FolderSource(address: string, settings: S3Settings, rules: NetworkRules): Source {
  const { bucket, key } = parse(address)
  const prefix = key === '' || key.endsWith('/') ? key : `${key}/`
  const keys = ({ name, sha256 }: WantedFile) => [`${prefix}${name}`, ...(sha256 === undefined ? [] : [`${prefix}sha256-${sha256}`])]
  return source(`s3://${bucket}/${prefix}`, bucket, keys, settings, rules)
}

/** One object: `s3://bucket/path/to/file`. */
export function s3FileSource(address: string, settings: S3Settings, rules: NetworkRules): Source {
  const { bucket, key } = parse(address)
  if (key === '') throw new Error('is not of the form s3://bucket/path/to/file')
  return source(`s3://${bucket}/${key}`, bucket, () => [key], settings, rules)
}

function source(label: string, bucket: string, keys: (file: WantedFile) => string[], settings: S3Settings, rules: NetworkRules): Source {
  return firstPlaceSource(label, {
    places: keys,
    open: async (key, request) => {
      const url = addressOf(bucket, key, settings)
      try {
        return await openDownload({ url, request, rules, headers: (to) => signedHeaders('GET', to, settings, new Date()) })
      } catch (error) {
        throw error instanceof HttpRefusal ? inPlainWords(error, settings) : error
      }
    },
    notThere: [404]
  })
}

function parse(address: string): { bucket: string; key: string } {
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,62})(?:\/(.*))?$/.exec(address)
  if (match === null) throw new Error('is not of the form s3://bucket/prefix; keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY')
  return { bucket: match[1] ?? '', key: match[2] ?? '' }
}

/** Bucket in the path: every server understands it, and no certificate for `bucket.host` is needed. */
function addressOf(bucket: string, key: string, { endpoint, region = 'us-east-1' }: S3Settings): URL {
  const root = (endpoint ?? `https://s3.${region}.amazonaws.com`).replace(/\/+$/, '')
  return new URL(`${root}/${bucket}/${key.split('/').map(encodeStrictly).join('/')}`)
}

/**
 * Headers of a request without a body, signed with AWS Signature Version 4 when there is a key.
 * Source: "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)", Amazon S3 API reference.
 */
export function signedHeaders(method: string, url: URL, settings: S3Settings, now: Date): Record<string, string> {
  const { accessKeyId, secretAccessKey, sessionToken, region = 'us-east-1' } = settings
  if (accessKeyId === undefined || secretAccessKey === undefined) return {}
  const time = now.toISOString().replace(/[:-]|\.\d{3}/g, '')
  const day = time.slice(0, 8)
  const signed: Record<string, string> = {
    host: url.host,
    'x-amz-content-sha256': emptyHash,
    'x-amz-date': time,
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken })
  }
  const names = Object.keys(signed).sort()
  const query = [...url.searchParams].map(([name, value]) => `${encodeStrictly(name)}=${encodeStrictly(value)}`).sort()
  const canonical = [method, url.pathname, query.join('&'), ...names.map((name) => `${name}:${signed[name]}`), '', names.join(';'), emptyHash].join(
    '\n'
  )
  const scope = `${day}/${region}/s3/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(canonical).digest('hex')].join('\n')
  const key = [day, region, 's3', 'aws4_request'].reduce<Buffer>((secret, part) => hmac(secret, part), Buffer.from(`AWS4${secretAccessKey}`))
  const signature = hmac(key, toSign).toString('hex')
  const { host: _, ...sent } = signed
  return {
    ...sent,
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  }
}

const emptyHash = createHash('sha256').digest('hex')

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

/** Everything but A–Z a–z 0–9 - . _ ~ */
function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}

function inPlainWords(error: HttpRefusal, { accessKeyId }: S3Settings): Error {
  if (error.status !== 403 && error.status !== 401) return error
  const advice =
    accessKeyId === undefined
      ? 'the bucket is not public: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'
      : 'the key of AWS_ACCESS_KEY_ID may not read it, or AWS_REGION is not that of the bucket'
  return new Error(`answered ${error.status}: ${advice}`, { cause: error })
}
