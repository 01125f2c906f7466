import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Receipt } from '#contracts/job.ts'
import type { SignInLink } from '#contracts/session.ts'
import { createChanges } from './changes.ts'
import { composeModels } from './compose-models.ts'
import { composePlans } from './compose-plans.ts'
import type { Config } from './config.ts'
import { openFrontDoor, openOwnerDoor, reachable, refuseOpenDoor } from './doors.ts'
import { AppError, toAppError } from './errors.ts'
import { gatewayId, prepareHome } from './home.ts'
import { databaseOf } from './home-policy.ts'
import type { HttpServices } from './http/services.ts'
import type { KnownModels } from './known-models.ts'
import type { Log } from './log.ts'
import { openBlobStore } from './queue/blobs.ts'
import type { Dispatcher } from './queue/dispatcher.ts'
import { checkRedis, connectRedis, describeRedis, type RedisAddress, untilReady } from './queue/redis.ts'
import { type OwnRedis, ownRedisSocket, startOwnRedis } from './queue/redis-server.ts'
import { openDatabase } from './store/database.ts'
import { lockHome } from './store/home-lock.ts'
import { createKeyStore, type KeyStore } from './store/keys.ts'
import { loadPepper } from './store/pepper.ts'
import { createSessionStore } from './store/sessions.ts'
import { createSettingsStore } from './store/settings.ts'
import { createSignInLinks } from './store/sign-in-links.ts'
import { createUsageStore } from './store/usage.ts'
import type { SpareWorker } from './workers/worker-process.ts'

export type Server = {
  /** `http://127.0.0.1:4477` */
  readonly address: string
  readonly keys: KeyStore
  readonly models: KnownModels
  /** Model ids that this server wants loaded from the start. */
  readonly wanted: { chat: string; embedding: string }
  /** Resolves when the queue takes jobs. */
  readonly queueReady: Promise<void>
  /** Undefined: can serve now. Otherwise why not. */
  notReady(): AppError | undefined
  /** Opens the console for its owner, once. */
  signInLink(): SignInLink
  stop(): Promise<void>
}

const redisRetryMs = 2000
/** A request that comes before the queue is up waits for it, at most so long. */
const startMs = 5000

/** Puts the whole server together and starts it. It listens when this resolves; Redis and models come up behind it, as `/readyz` tells. */
export async function startServer(options: { config: Config; insecureHttp: boolean; log: Log; spareWorker?: SpareWorker }): Promise<Server> {
  const { log } = options
  const onEnd: (() => Promise<void> | void)[] = []
  const stop = async () => {
    for (const end of onEnd.splice(0).reverse()) await Promise.resolve(end()).catch((error) => log.warn({ err: error }, 'stopping'))
  }
  try {
    return await compose(options, onEnd, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

async function compose(
  { config, insecureHttp, log, spareWorker }: { config: Config; insecureHttp: boolean; log: Log; spareWorker?: SpareWorker },
  onEnd: (() => Promise<void> | void)[],
  stop: () => Promise<void>
): Promise<Server> {
  // Sockets and files are the owner's alone.
  process.umask(0o077)
  prepareHome(config.home)
  const lock = lockHome(config.home)
  onEnd.push(() => lock.release())
  const db = openDatabase(databaseOf(config))
  onEnd.push(() => void db.close())
  const pepper = loadPepper(config.home)
  const keys = createKeyStore(db, { pepper, log })
  // Before the bootstrap key may change: its sessions end with it.
  const sessions = createSessionStore(db, { pepper, keys })
  const signInLinks = createSignInLinks()
  keys.ensureBootstrap(config.adminKey)
  refuseOpenDoor(config, keys, insecureHttp)
  const usage = createUsageStore(db)

  const address: RedisAddress = config.redisUrl === undefined ? { socket: ownRedisSocket(config.home) } : { url: config.redisUrl }
  const blobs = join(config.home, 'blobs')
  const blobStore = openBlobStore(blobs)

  let dispatcher: Dispatcher | undefined
  let problem: AppError | undefined = new AppError('queue_unavailable', 'the queue is starting', { retryAfter: 1 })
  /** The queue takes jobs, or it is known why it does not. */
  const looked = Promise.withResolvers<void>()
  const recovered = Promise.withResolvers<void>()
  const changes = createChanges()
  const ending = new AbortController()
  onEnd.push(() => ending.abort())
  const { store, models, residents, upkeep, bundles, facts, wanted } = await composeModels({
    config,
    settings: createSettingsStore(db),
    redis: address,
    blobs,
    dispatcher: () => dispatcher,
    queueReady: recovered.promise,
    onChange: (pull) => changes.tell(pull === undefined ? { type: 'models' } : { type: 'pull', pull }),
    spareWorker,
    signal: ending.signal,
    log
  })

  let ownRedis: OwnRedis | undefined
  let commands: ReturnType<typeof connectRedis> | undefined
  let blocking: ReturnType<typeof connectRedis> | undefined
  let stopped = false
  onEnd.push(() => ownRedis?.stop())
  onEnd.push(() => {
    // A second goodbye to a closed connection costs two seconds: ioredis waits for an end that has been.
    for (const client of [commands, blocking]) if (client !== undefined && client.status !== 'end') client.disconnect()
  })
  onEnd.push(() => dispatcher?.close())
  onEnd.push(() => residents.stop())
  // Loading takes longest, so it begins first; the modules of HTTP and queue are loaded beside it.
  if (spareWorker !== undefined) beginLoading(models, wanted.chat)
  const [{ buildApp }, { createDispatcher }] = await Promise.all([import('./http/app.ts'), import('./queue/dispatcher.ts')])

  const openQueue = async () => {
    if (config.redisUrl === undefined) ownRedis = await startOwnRedis({ home: config.home, log })
    if (stopped) return await ownRedis?.stop()
    const what = describeRedis(address)
    commands = connectRedis(address, { failFast: true, name: 'outpost-gateway' })
    for (const event of ['ready', 'close']) commands.on(event, () => changes.tell({ type: 'models' }))
    blocking = connectRedis(address, { name: 'outpost-replies' })
    let said = ''
    for (;;) {
      try {
        await untilReady(commands, what, 5000)
        await checkRedis(commands, what)
        break
      } catch (error) {
        if (stopped) return
        problem = toAppError(error, 'queue_unavailable')
        if (problem.message !== said) log.error({ redis: what }, problem.message)
        said = problem.message
        looked.resolve()
        await delay(redisRetryMs)
      }
    }
    if (stopped) return
    dispatcher = createDispatcher({
      gateway: gatewayId(config.home),
      commands,
      blocking,
      blobs: blobStore,
      maxQueue: config.maxQueue,
      slotsOf: models.slotsOf,
      waitOf: (model) => residents.waitOf(model),
      onReceipts: (receipts) => {
        usage.bookAll(receipts)
        residents.used(receipts.map(({ model }) => model))
        for (const receipt of receipts) logEnd(log, receipt)
      },
      onChange: () => changes.tell({ type: 'queues' }),
      log
    })
    onEnd.push(keys.onRevoked((id) => dispatcher?.keyRevoked(id)))
    for (const model of await dispatcher.recover()) models.ensure(model)
    recovered.resolve()
    problem = undefined
    looked.resolve()
    changes.tell({ type: 'models' })
  }

  const theDispatcher = (): Dispatcher => {
    if (dispatcher === undefined || problem !== undefined)
      throw problem ?? new AppError('queue_unavailable', 'the queue is starting', { retryAfter: 1 })
    return dispatcher
  }
  const notReady = (): AppError | undefined => {
    if (problem !== undefined) return problem
    if (commands?.status !== 'ready')
      return new AppError('queue_unavailable', 'Redis does not answer; it is being restarted or reconnected', { retryAfter: 1 })
    const chat = models.resolve(wanted.chat)
    if (chat.state === 'ready') return undefined
    const how = chat.percent === null ? chat.state : `${chat.state}, ${chat.percent} %`
    return new AppError(chat.state === 'failed' ? 'model_failed' : 'model_not_ready', chat.reason ?? `${chat.id} is not ready (${how})`)
  }
  const submit: HttpServices['jobs']['submit'] = async (submission, listener) => {
    // Also while it takes up what was left, when it is there and takes nothing yet.
    if (dispatcher === undefined || problem !== undefined) await Promise.race([looked.promise, delay(startMs, undefined, { ref: false })])
    const open = theDispatcher()
    models.ensure(submission.request.model)
    return await open.submit(submission, listener)
  }
  const plans = composePlans({
    config,
    db,
    submit,
    models,
    wanted,
    onChange: ({ id, projectId, action, status, changedAt }) => changes.tell({ type: 'plan', plan: { id, projectId, action, status, changedAt } }),
    log
  })
  onEnd.push(() => plans.close())
  onEnd.push(keys.onRevoked((id) => plans.engine.keyRevoked(id)))
  let url = ''
  const signInLink = (): SignInLink => {
    const { token, expiresAt } = signInLinks.create()
    return { url: `${reachable(url)}/#sign-in=${token}`, expiresAt }
  }
  const app = await buildApp({
    config,
    log,
    keys,
    sessions,
    signInLinks,
    signInLink,
    consoleFolder: join(import.meta.dirname, '..', 'renderer', 'dist'),
    usage,
    onChange: changes.listen,
    models: {
      ...models,
      describe: facts.describe,
      fit: (id, settings) => facts.fit(id, { ...settings, slots: settings.slots ?? config.slots }),
      pull: async (id) => void (await models.pull(id)),
      blobPath: store.blobPath
    },
    jobs: {
      submit,
      follow: async (jobId, afterSeq, listener) => theDispatcher().follow(jobId, afterSeq, listener),
      cancel: async (jobId) => theDispatcher().cancel(jobId),
      queues: async () => theDispatcher().queues()
    },
    upkeep,
    bundles,
    plans: plans.engine,
    toolboxes: plans.toolboxes,
    notReady
  })
  onEnd.push(() => app.close())

  url = await openFrontDoor(app, config)
  const queueReady = openQueue()
  // Who waits for it is told; nobody may be waiting yet.
  queueReady.catch(() => {})
  onEnd.push(async () => {
    stopped = true
    // A Redis that is away need not be waited for.
    await Promise.race([queueReady.catch(() => {}), delay(500)])
  })

  const door = await openOwnerDoor(app, config.home)
  onEnd.push(door.close)

  const addressFile = join(config.home, 'address')
  writeFileSync(addressFile, `${url}\n`)
  onEnd.push(() => rmSync(addressFile, { force: true }))
  log.info({ address: url, home: config.home }, 'listening')

  return { address: url, keys, models, wanted, queueReady, notReady, signInLink, stop }
}

/** What hinders it is said by whoever waits for the model. */
function beginLoading(models: KnownModels, name: string): void {
  try {
    const { id, state } = models.resolve(name)
    if (state === 'present') models.ensure(id)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
  }
}

function logEnd(log: Log, receipt: Receipt): void {
  const { jobId, requestId, model, clientId, errorCode, finishReason } = receipt
  log.info(
    { jobId, requestId, model, clientId, finishReason, errorCode, tokens: receipt.usage.completionTokens, ms: Math.round(receipt.totalMs) },
    'job ended'
  )
}
