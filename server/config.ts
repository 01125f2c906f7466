import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { availableParallelism, homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { ruleOf } from './issue-words.ts'

const flag = z.enum(['0', '1', 'true', 'false']).transform((value) => value === '1' || value === 'true')
/** `50M` as curl understands it: bytes, or K, M, G of 1024, 1024², 1024³. Undefined: it is no amount. */
export function toBytes(text: string): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)([kmg]?)$/i.exec(text)
  if (match === null) return undefined
  return Math.round(Number(match[1]) * 1024 ** ['', 'k', 'm', 'g'].indexOf((match[2] ?? '').toLowerCase()))
}

const rate = z.string().transform((text, context) => {
  const bytes = toBytes(text)
  if (bytes !== undefined && bytes >= 1024) return bytes
  context.addIssue({ code: 'custom', message: 'must be bytes a second, 1K or more, such as 50M' })
  return z.NEVER
})
const wholeNumber = z.string().regex(/^\d+$/, 'must be a whole number').transform(Number)
const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
  )
/** Host names, IP addresses, and networks such as `10.1.0.0/16`. */
const places = list.refine((items) => items.every(isPlace), 'must be comma-separated host names, IP addresses or networks such as 10.1.0.0/16')
const units = { '': 1, B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 }
const bytes = z
  .string()
  .regex(/^\d+(\.\d+)? ?([kKMGT]?B|[KMGT]iB)?$/, 'must be bytes, as in 8GiB, 8GB or 8000000000')
  .transform((text) => {
    const [, number, unit = ''] = /^([\d.]+) ?(.*)$/.exec(text) ?? []
    return Math.floor(Number(number) * units[unit as keyof typeof units]) // The pattern above allows no other units.
  })

/** Where `hf:` sources lie unless `HF_ENDPOINT` names another place. */
export const publicHub = 'https://huggingface.co'

const webAddress = z.url({ protocol: /^https?$/, error: 'must be an address that begins with http:// or https://' })

const Environment = z.object({
  OUTPOST_HOME: z.string().min(1).optional(),
  OUTPOST_HOST: z.string().min(1).default('127.0.0.1'),
  OUTPOST_PORT: wholeNumber.pipe(z.int().min(0).max(65535)).default(4477),
  OUTPOST_MODEL: z.string().min(1).optional(),
  OUTPOST_EMBEDDING_MODEL: z.string().min(1).optional(),
  OUTPOST_PRELOAD: list,
  OUTPOST_MEMORY_BUDGET: bytes.optional(),
  OUTPOST_MEMORY_WAIT: wholeNumber.pipe(z.int().min(1).max(86_400)).default(300),
  OUTPOST_IDLE_UNLOAD: wholeNumber.pipe(z.int().min(0).max(100_000)).default(0),
  OUTPOST_VERIFY_DAYS: wholeNumber.pipe(z.int().min(0).max(10_000)).default(30),
  OUTPOST_MIRRORS: list,
  OUTPOST_SHARED_STORES: list,
  OUTPOST_AIR_GAP: flag.default(false),
  OUTPOST_LAN_ALLOW: places,
  OUTPOST_PULL_RATE: rate.optional(),
  OUTPOST_PULL_CONNECTIONS: wholeNumber.pipe(z.int().min(1).max(16)).default(4),
  OUTPOST_THREADS: wholeNumber.pipe(z.int().min(1).max(1024)).optional(),
  OUTPOST_SLOTS: wholeNumber.pipe(z.int().min(1).max(8192)).optional(),
  OUTPOST_UNGROUNDED: z.enum(['refuse', 'allow']).default('refuse'),
  OUTPOST_PLANNING_TIMEOUT: wholeNumber.pipe(z.int().min(1).max(86_400)).default(170),
  OUTPOST_PLAN_RETENTION_DAYS: wholeNumber.pipe(z.int().min(0).max(36_500)).default(90),
  OUTPOST_MAX_QUEUE: wholeNumber.pipe(z.int().min(0).max(1_000_000)).default(1000),
  OUTPOST_MAX_BODY: wholeNumber.pipe(z.int().min(1024)).default(16 * 1024 * 1024),
  OUTPOST_PLANNER: z.enum(['model', 'deterministic']).default('model'),
  OUTPOST_PLAN_MODEL: z.string().min(1).optional(),
  LLM_API_BASE_URL: webAddress.optional(),
  LLM_API_KEY: z.string().optional(),
  LLM_MODEL: z.string().default('o1-mini'),
  EMBEDDINGS_API_BASE_URL: webAddress.optional(),
  EMBEDDINGS_API_KEY: z.string().optional(),
  EMBEDDINGS_MODEL: z.string().default('text-embedding-3-small'),
  REDIS_URL: z.url({ protocol: /^(rediss?|unix)$/, error: 'must be an address that begins with redis://, rediss:// or unix://' }).optional(),
  OUTPOST_ADMIN_KEY: z.string().min(16, 'must have at least 16 characters').optional(),
  OUTPOST_ADMIN_KEY_FILE: z.string().optional(),
  OUTPOST_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  OUTPOST_URL: webAddress.optional(),
  OUTPOST_KEY: z.string().optional(),
  HF_TOKEN: z.string().optional(),
  HF_ENDPOINT: webAddress.default(publicHub),
  HF_HOME: z.string().optional(),
  HF_HUB_CACHE: z.string().optional(),
  AWS_ACCESS_KEY_ID: z.string().optional(),
  AWS_SECRET_ACCESS_KEY: z.string().optional(),
  AWS_SESSION_TOKEN: z.string().optional(),
  AWS_REGION: z.string().optional(),
  AWS_DEFAULT_REGION: z.string().optional(),
  AWS_ENDPOINT_URL: webAddress.optional(),
  AWS_ENDPOINT_URL_S3: webAddress.optional()
})

/** Every variable that is read. `docs/configuration.md` describes them; a test holds the two together. */
export const variableNames: readonly string[] = Object.keys(Environment.shape)

export type Config = Readonly<{
  home: string
  host: string
  port: number
  /** Model ids to have at start; undefined: the catalogue's defaults. */
  model: string | undefined
  embeddingModel: string | undefined
  /** More models to load at start. */
  preload: readonly string[]
  /** Bytes all loaded models may take together; undefined: what is free at the start, less a reserve. */
  memoryBudget: number | undefined
  /** Seconds a request waits for memory that other models hold. */
  memoryWait: number
  /** Minutes after which an unused model is unloaded; 0: never. */
  idleUnload: number
  /** Days after which a blob is verified again in the background; 0: never. */
  verifyDays: number
  mirrors: readonly string[]
  /** Model folders of other Outposts, read and never written. */
  sharedStores: readonly string[]
  airGap: boolean
  /** Names, addresses and networks inside that webhooks and the like may be sent to; empty: all that are private. */
  lanAllow: readonly string[]
  /** Bytes a second for all pulls together; undefined: what the line gives. */
  pullRate: number | undefined
  /** Parts of a file that come at the same time. */
  pullConnections: number
  /** Upper bound of threads of one llama engine. */
  threads: number
  /** Requests one model runs at the same time; undefined: the engine's choice. */
  slots: number | undefined
  /** What makes plans: a model, or rules that only match words and types, for tests. */
  planner: 'model' | 'deterministic'
  /** Whether a project with groundings plans actions that none of them knows. */
  ungrounded: 'refuse' | 'allow'
  /** Seconds after which a plan that is not made is given up. */
  planningTimeout: number
  /** Days after which a finished plan is deleted; 0: never. */
  planRetentionDays: number
  /** Jobs that may wait for one model before `queue_full`. */
  maxQueue: number
  /** Bytes of an HTTP body. */
  maxBody: number
  /** Id or alias of the local model for planning; undefined: the default chat model. */
  planModel: string | undefined
  /** An endpoint that speaks OpenAI's HTTP API and plans instead of a local model. */
  planEndpoint: ModelEndpoint | undefined
  /** The same for the embeddings of the plan engine. */
  embeddingEndpoint: ModelEndpoint | undefined
  redisUrl: string | undefined
  adminKey: string | undefined
  logLevel: string
  /** A running server the command line should talk to, and the key for it. */
  url: string | undefined
  key: string | undefined
  huggingFace: Readonly<{ token: string | undefined; endpoint: string; cache: string }>
  s3: Readonly<{
    endpoint: string | undefined
    region: string | undefined
    accessKeyId: string | undefined
    secretAccessKey: string | undefined
    sessionToken: string | undefined
  }>
}>

/** `url` is as it was given: with or without `/v1`. */
export type ModelEndpoint = Readonly<{ url: string; key: string | undefined; model: string }>

/** A variable that cannot be used; its message is one line that names it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** The environment, read once. Empty variables count as unset. Throws `ConfigError`. */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const parsed = Environment.safeParse(present)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const name = String(issue?.path[0])
    throw new ConfigError(
      `${name}: ${issue === undefined ? 'is not usable' : ruleOf(issue, env[name])}, got ${/KEY|TOKEN/.test(name) ? 'a value that is not shown' : JSON.stringify(env[name])}`
    )
  }
  const variables = parsed.data
  return Object.freeze({
    home: resolve(variables.OUTPOST_HOME ?? defaultHome(env)),
    host: variables.OUTPOST_HOST,
    port: variables.OUTPOST_PORT,
    model: variables.OUTPOST_MODEL,
    embeddingModel: variables.OUTPOST_EMBEDDING_MODEL,
    preload: variables.OUTPOST_PRELOAD,
    memoryBudget: variables.OUTPOST_MEMORY_BUDGET,
    memoryWait: variables.OUTPOST_MEMORY_WAIT,
    idleUnload: variables.OUTPOST_IDLE_UNLOAD,
    verifyDays: variables.OUTPOST_VERIFY_DAYS,
    mirrors: variables.OUTPOST_MIRRORS,
    sharedStores: variables.OUTPOST_SHARED_STORES,
    airGap: variables.OUTPOST_AIR_GAP,
    lanAllow: variables.OUTPOST_LAN_ALLOW,
    pullRate: variables.OUTPOST_PULL_RATE,
    pullConnections: variables.OUTPOST_PULL_CONNECTIONS,
    threads: variables.OUTPOST_THREADS ?? Math.max(1, availableParallelism() - 1),
    slots: variables.OUTPOST_SLOTS,
    ungrounded: variables.OUTPOST_UNGROUNDED,
    planningTimeout: variables.OUTPOST_PLANNING_TIMEOUT,
    planRetentionDays: variables.OUTPOST_PLAN_RETENTION_DAYS,
    maxQueue: variables.OUTPOST_MAX_QUEUE,
    maxBody: variables.OUTPOST_MAX_BODY,
    planner: variables.OUTPOST_PLANNER,
    planModel: variables.OUTPOST_PLAN_MODEL,
    planEndpoint: endpoint(variables.LLM_API_BASE_URL, variables.LLM_API_KEY, variables.LLM_MODEL),
    embeddingEndpoint: endpoint(variables.EMBEDDINGS_API_BASE_URL, variables.EMBEDDINGS_API_KEY, variables.EMBEDDINGS_MODEL),
    redisUrl: variables.REDIS_URL,
    adminKey: variables.OUTPOST_ADMIN_KEY ?? readSecret(variables.OUTPOST_ADMIN_KEY_FILE),
    logLevel: variables.OUTPOST_LOG_LEVEL,
    url: variables.OUTPOST_URL,
    key: variables.OUTPOST_KEY,
    huggingFace: Object.freeze({ token: variables.HF_TOKEN, endpoint: variables.HF_ENDPOINT, cache: hubCache(variables, env) }),
    s3: Object.freeze({
      endpoint: variables.AWS_ENDPOINT_URL_S3 ?? variables.AWS_ENDPOINT_URL,
      region: variables.AWS_REGION ?? variables.AWS_DEFAULT_REGION,
      accessKeyId: variables.AWS_ACCESS_KEY_ID,
      secretAccessKey: variables.AWS_SECRET_ACCESS_KEY,
      sessionToken: variables.AWS_SESSION_TOKEN
    })
  })
}

function isPlace(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/')
  const family = isIP(address)
  if (rest.length > 0) return false
  if (family !== 0) return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 6 ? 128 : 32))
  // A last part of digits alone would be an IP address, and is none that can be read.
  return prefix === undefined && /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9])?$/i.test(address) && !/(^|\.)\d+$/.test(address)
}

function endpoint(url: string | undefined, key: string | undefined, model: string): ModelEndpoint | undefined {
  return url === undefined ? undefined : Object.freeze({ url, key, model })
}

function defaultHome(env: NodeJS.ProcessEnv): string {
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Outpost')
  if (process.platform === 'win32') return join(env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'Outpost')
  return join(env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share'), 'outpost')
}

/** Where Hugging Face's own tools keep what they fetched. */
function hubCache(variables: { HF_HUB_CACHE?: string | undefined; HF_HOME?: string | undefined }, env: NodeJS.ProcessEnv): string {
  const home = variables.HF_HOME ?? join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'huggingface')
  return resolve(variables.HF_HUB_CACHE ?? join(home, 'hub'))
}

function readSecret(file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  try {
    const secret = readFileSync(file, 'utf8').trim()
    if (secret.length < 16) throw new Error('it must hold at least 16 characters')
    return secret
  } catch (error) {
    throw new ConfigError(`OUTPOST_ADMIN_KEY_FILE: ${file} cannot be used: ${(error as Error).message}`)
  }
}
