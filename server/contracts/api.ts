import { z } from 'zod'
import { BundleDescription, BundleImportOrder, BundleImportStatus, BundlePath, TrustedSigner } from './bundle.ts'
import { ChatRequest } from './chat.ts'
import { chatEndpoints } from './chats-api.ts'
import { administration, anyone, type Endpoint, everyone, idParams, keyHolders, pageSize, wholeNumber } from './endpoint.ts'
import { ErrorCode } from './error.ts'
import { Lane, Receipt } from './job.ts'
import { Key, NewKey, Role } from './key.ts'
import { QueueStatus } from './live.ts'
import { ModelStatus } from './model.ts'
import { planEndpoints } from './plan-api.ts'
import { Policy } from './policy.ts'
import { PullOrder, PullStatus } from './pull.ts'
import { SessionReply, SessionsEndedReply, SessionsReply, SignedOutReply, SignIn, SignInLink } from './session.ts'
import { GarbageReport, RemovedReply, VerificationStatus } from './store.ts'
import { CacheType, Fit, WeightsDescription } from './weights.ts'

/** A chat in our own words. `detached`: the job goes on when its reader leaves, and can be followed again until two minutes after its end. */
export const ChatSubmission = ChatRequest.safeExtend({
  detached: z.boolean().default(false),
  /** At best what the key allows. */
  lane: Lane.optional(),
  /** Within the lane, lower runs first. */
  priority: z.int().min(-1000).max(1000).default(0)
})
export type ChatSubmission = z.infer<typeof ChatSubmission>

export const ServerStatus = z.object({
  version: z.string(),
  ready: z.boolean(),
  /** Why not ready. */
  reason: z.object({ code: ErrorCode, message: z.string() }).nullable(),
  /** Seconds. */
  uptime: z.number(),
  client: z.object({ id: z.string(), name: z.string(), role: Role, lane: Lane }),
  models: z.array(ModelStatus)
})
export type ServerStatus = z.infer<typeof ServerStatus>

/** Jobs of other clients are counted for everyone, but listed only for administrators. */
export const QueueReply = z.object({ queues: z.array(QueueStatus) })
export type QueueReply = z.infer<typeof QueueReply>

export const ModelsReply = z.object({ models: z.array(ModelStatus) })
export const PullsReply = z.object({ pulls: z.array(PullStatus) })
export const StopReply = z.object({ stopped: z.literal(true), model: z.string() })
export const Accepted = z.object({ accepted: z.literal(true), model: z.string() })
export const PinReply = z.object({ model: z.string(), pinned: z.boolean() })
/** A file of the server's machine; `name`: what the model shall be called, by the file's name where it is left out. */
export const Adoption = z.object({ path: z.string().min(1).max(4096), name: z.string().min(1).max(200).optional() })
export type Adoption = z.infer<typeof Adoption>
export const AdoptedReply = z.object({ model: z.string() })
export const GarbageOrder = z.object({ olderThanDays: z.number().min(0).max(10_000).default(7), dryRun: z.boolean().default(false) })
export type GarbageOrder = z.infer<typeof GarbageOrder>
export const BundleImportReply = z.object({ import: BundleImportStatus.nullable() })
export const SignersReply = z.object({ signers: z.array(TrustedSigner) })
export const StoreAccepted = z.object({ accepted: z.literal(true) })
export const KeysReply = z.object({ keys: z.array(Key) })
export const KeyReply = z.object({ key: Key })
/** `secret` is shown this once. */
export const FreshKeyReply = z.object({ key: Key, secret: z.string() })
export const CancelReply = z.object({ cancelled: z.literal(true), jobId: z.string() })

/** What the model would be loaded with; what is left out is as a worker has it. */
export const FitQuery = z.object({
  /** Tokens of one slot. */
  context: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'must be a whole number from 1 to 999999999')
    .transform(Number)
    .optional(),
  slots: z
    .string()
    .regex(/^([1-9]\d?|1\d\d|2[0-4]\d|25[0-6])$/, 'must be a whole number from 1 to 256')
    .transform(Number)
    .optional(),
  cache: CacheType.optional()
})
export const FitReply = Fit.extend({ model: z.string() })
export const DescriptionReply = z.object({ model: z.string(), description: WeightsDescription })

/** Unix milliseconds; `from` inclusive, `to` exclusive. */
export const UsageQuery = z.object({
  by: z.enum(['key', 'model', 'day', 'request']).default('model'),
  from: wholeNumber.optional(),
  to: wholeNumber.optional(),
  /** For `by=request`: rows of one page, and the `id` of the last row of the page before. */
  limit: pageSize.default(100),
  before: wholeNumber.optional()
})

const UsageGroup = z.object({
  group: z.string(),
  requests: z.int(),
  errors: z.int(),
  promptTokens: z.int(),
  cachedTokens: z.int(),
  completionTokens: z.int(),
  reasoningTokens: z.int(),
  meanQueueMs: z.number(),
  meanTtftMs: z.number().nullable()
})
const UsageRow = Receipt.extend({ id: z.int() })
/** `groups` for a sum, `rows` for `by=request`; the other one is empty. */
export const UsageReply = z.object({ by: z.enum(['key', 'model', 'day', 'request']), groups: z.array(UsageGroup), rows: z.array(UsageRow) })
export type UsageReply = z.infer<typeof UsageReply>

export const endpoints = {
  chat: {
    method: 'POST',
    path: '/outpost/chat',
    summary: 'Generate, as a stream of our own events',
    roles: everyone,
    body: ChatSubmission,
    reply: 'events'
  },
  followJob: {
    method: 'GET',
    path: '/outpost/jobs/:id/events',
    summary: 'Go on reading a job after the header Last-Event-ID',
    roles: everyone,
    params: idParams,
    reply: 'events'
  },
  cancelJob: { method: 'DELETE', path: '/outpost/jobs/:id', summary: 'Cancel a job', roles: everyone, params: idParams, reply: CancelReply },
  status: { method: 'GET', path: '/outpost/status', summary: 'How the server is, and who is asking', roles: everyone, reply: ServerStatus },
  queue: { method: 'GET', path: '/outpost/queue', summary: 'What runs and waits', roles: everyone, reply: QueueReply },
  events: {
    method: 'GET',
    path: '/outpost/events',
    summary: 'What changes here, from now on or after the header Last-Event-ID',
    roles: anyone,
    reply: 'live-events'
  },
  session: { method: 'GET', path: '/outpost/session', summary: 'Who is asking, and what it may do', roles: anyone, reply: SessionReply },
  signIn: {
    method: 'POST',
    path: '/outpost/session',
    summary: 'Sign a browser in, by the token of a link or by a key; it is given a cookie',
    roles: 'public',
    body: SignIn,
    reply: SessionReply
  },
  signOut: { method: 'DELETE', path: '/outpost/session', summary: 'Sign this browser out', roles: 'public', reply: SignedOutReply },
  createSignInLink: {
    method: 'POST',
    path: '/outpost/sign-in-links',
    summary: 'Make a link that opens the console for its owner, once and for ten minutes',
    roles: ['owner'],
    status: 201,
    reply: SignInLink
  },
  sessions: { method: 'GET', path: '/outpost/sessions', summary: 'Browsers that are signed in', roles: administration, reply: SessionsReply },
  endSessions: {
    method: 'DELETE',
    path: '/outpost/sessions',
    summary: 'Sign every browser out',
    roles: administration,
    reply: SessionsEndedReply
  },
  endSession: {
    method: 'DELETE',
    path: '/outpost/sessions/:id',
    summary: 'Sign a browser out; what it reads ends at once',
    roles: administration,
    params: idParams,
    reply: SessionsEndedReply
  },
  models: { method: 'GET', path: '/outpost/models', summary: 'Every known model and its state', roles: everyone, reply: ModelsReply },
  pullModel: {
    method: 'POST',
    path: '/outpost/models/:id/pull',
    summary: 'Start to download a model, or join the running download',
    roles: administration,
    params: idParams,
    status: 202,
    reply: Accepted
  },
  pulls: {
    method: 'GET',
    path: '/outpost/pulls',
    summary: 'Downloads that run, and how the last ones ended',
    roles: administration,
    reply: PullsReply
  },
  orderPull: {
    method: 'POST',
    path: '/outpost/pulls',
    summary: 'Start to download a model by its name or from a place, or join the running download',
    roles: administration,
    body: PullOrder,
    status: 202,
    reply: Accepted
  },
  stopPull: {
    method: 'DELETE',
    path: '/outpost/pulls/:id',
    summary: 'Stop a download; what came is kept for the next',
    roles: administration,
    params: idParams,
    reply: StopReply
  },
  followPull: {
    method: 'GET',
    path: '/outpost/pulls/:id/events',
    summary: 'Follow a download',
    roles: administration,
    params: idParams,
    reply: 'pull-events'
  },
  blob: {
    method: 'GET',
    path: '/outpost/blobs/:sha256',
    summary: 'A file of weights, by its hash, for another Outpost',
    roles: keyHolders,
    params: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be a sha256 in hexadecimal') }),
    reply: 'bytes'
  },
  loadModel: {
    method: 'POST',
    path: '/outpost/models/:id/load',
    summary: 'Load a model',
    roles: administration,
    params: idParams,
    status: 202,
    reply: Accepted
  },
  unloadModel: {
    method: 'POST',
    path: '/outpost/models/:id/unload',
    summary: 'Unload a model once its requests have ended',
    roles: administration,
    params: idParams,
    status: 202,
    reply: Accepted
  },
  removeModel: {
    method: 'DELETE',
    path: '/outpost/models/:id',
    summary: 'Remove a model and the files that no other one needs',
    roles: administration,
    params: idParams,
    reply: RemovedReply
  },
  pinModel: {
    method: 'POST',
    path: '/outpost/models/:id/pin',
    summary: 'Never unload a model to make room',
    roles: administration,
    params: idParams,
    reply: PinReply
  },
  unpinModel: {
    method: 'POST',
    path: '/outpost/models/:id/unpin',
    summary: 'Let a model make room again',
    roles: administration,
    params: idParams,
    reply: PinReply
  },
  verifyModel: {
    method: 'POST',
    path: '/outpost/models/:id/verify',
    summary: 'Read the files of a model again and hold them against their hashes',
    roles: administration,
    params: idParams,
    status: 202,
    reply: Accepted
  },
  adoptModel: {
    method: 'POST',
    path: '/outpost/adoptions',
    summary: 'Use a GGUF file of this machine where it lies',
    roles: administration,
    body: Adoption,
    status: 201,
    reply: AdoptedReply
  },
  verifyStore: {
    method: 'POST',
    path: '/outpost/store/verify',
    summary: 'Read every file of the store again and hold it against its hash',
    roles: administration,
    status: 202,
    reply: StoreAccepted
  },
  verification: {
    method: 'GET',
    path: '/outpost/store/verification',
    summary: 'What is being verified, and what came of the last order',
    roles: administration,
    reply: VerificationStatus
  },
  collectGarbage: {
    method: 'POST',
    path: '/outpost/store/gc',
    summary: 'Delete what serves no model',
    roles: administration,
    body: GarbageOrder,
    reply: GarbageReport
  },
  inspectBundle: {
    method: 'POST',
    path: '/outpost/bundles/inspect',
    summary: "What a bundle on the server's machine holds and who signed it",
    roles: administration,
    body: BundlePath,
    reply: BundleDescription
  },
  importBundle: {
    method: 'POST',
    path: '/outpost/bundles/import',
    summary: 'Take in a bundle; its progress is seen under the same address',
    roles: administration,
    body: BundleImportOrder,
    status: 202,
    reply: BundleImportReply
  },
  bundleImport: {
    method: 'GET',
    path: '/outpost/bundles/import',
    summary: 'How the last import of a bundle stands',
    roles: administration,
    reply: BundleImportReply
  },
  signers: { method: 'GET', path: '/outpost/bundles/signers', summary: 'Whose bundles are taken in', roles: administration, reply: SignersReply },
  policy: { method: 'GET', path: '/outpost/policy', summary: 'Which models may come and be loaded', roles: administration, reply: Policy },
  setPolicy: {
    method: 'POST',
    path: '/outpost/policy',
    summary: 'Replace the policy; what it denies is unloaded',
    roles: administration,
    body: Policy,
    reply: Policy
  },
  describeModel: {
    method: 'GET',
    path: '/outpost/models/:id/description',
    summary: "What the headers of a model's files say",
    roles: everyone,
    params: idParams,
    reply: DescriptionReply
  },
  fitModel: {
    method: 'GET',
    path: '/outpost/models/:id/fit',
    summary: 'Whether a model fits this machine as it is now',
    roles: everyone,
    params: idParams,
    query: FitQuery,
    reply: FitReply
  },
  keys: { method: 'GET', path: '/outpost/keys', summary: 'Every key, without secrets', roles: administration, reply: KeysReply },
  createKey: {
    method: 'POST',
    path: '/outpost/keys',
    summary: 'Make a key; its secret is shown this once',
    roles: administration,
    body: NewKey,
    status: 201,
    reply: FreshKeyReply
  },
  revokeKey: {
    method: 'POST',
    path: '/outpost/keys/:id/revoke',
    summary: 'Revoke a key at once, running streams included',
    roles: administration,
    params: idParams,
    reply: KeyReply
  },
  rotateKey: {
    method: 'POST',
    path: '/outpost/keys/:id/rotate',
    summary: 'Give a key a new secret; the old one ends at once',
    roles: administration,
    params: idParams,
    reply: FreshKeyReply
  },
  usage: {
    method: 'GET',
    path: '/outpost/usage',
    summary: 'What was used, summed or request by request',
    roles: administration,
    query: UsageQuery,
    reply: UsageReply
  },
  ...planEndpoints,
  ...chatEndpoints
} as const satisfies Record<string, Endpoint>
export type EndpointName = keyof typeof endpoints
