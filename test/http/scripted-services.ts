import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import pino from 'pino'
import type { JobEvent, SequencedEvent, Usage } from '#contracts/event.ts'
import { CatalogueEntry, type ModelStatus } from '#contracts/model.ts'
import { noPolicy } from '#contracts/policy.ts'
import { type Config, loadConfig } from '../../server/config.ts'
import { AppError } from '../../server/errors.ts'
import { buildApp } from '../../server/http/app.ts'
import type { Change, EventListener, HttpServices, QueueSnapshot, Submission } from '../../server/http/services.ts'
import { fitOfEntry } from '../../server/models/fit/fit.ts'
import { createGuardedFetch } from '../../server/plans/tools/guarded-fetch.ts'
import { createToolbox } from '../../server/plans/tools/toolbox.ts'
import { createAddressGuard } from '../../server/plans/webhooks/address-guard.ts'
import { openDatabase } from '../../server/store/database.ts'
import { createKeyStore } from '../../server/store/keys.ts'
import { createPlanToolStore } from '../../server/store/plan-tools.ts'
import { createSessionStore } from '../../server/store/sessions.ts'
import { createSignInLinks } from '../../server/store/sign-in-links.ts'
import { createUsageStore } from '../../server/store/usage.ts'
import { createScriptedPlans, type PlanScript } from './scripted-plans.ts'

/** A job as a test drives it. */
export type ScriptedJob = {
  jobId: string
  submission: Submission
  /** Sends events to the reader in one tick; `seq` is counted here. */
  emit(...events: JobEvent[]): void
  /** Why the reader left; resolves when it does. */
  left: Promise<string>
  hasLeft: boolean
}

export const usage: Usage = { promptTokens: 9, cachedTokens: 4, completionTokens: 2, reasoningTokens: 0 }
export const start = { type: 'generation-start', model: 'small' } as const
export const end = { type: 'generation-end', usage, timings: { promptMs: 1, generationMs: 1 } } as const
export const text = (words: string, index = 0) => ({ type: 'text-delta', index, text: words }) as const
export const open = (index = 0) => ({ type: 'sequence-start', index }) as const
export const close = (finishReason: 'stop' | 'length' | 'tool-calls' | 'cancelled' = 'stop', index = 0) =>
  ({ type: 'sequence-end', index, finishReason }) as const
export const answer: JobEvent[] = [start, open(), text('Hello'), text(' world'), close(), end]

const model = (id: string, changes: Partial<ModelStatus> = {}): ModelStatus => ({
  id,
  aliases: [`${id}-latest`],
  name: id,
  kind: 'chat',
  engine: 'fake',
  licence: 'Apache-2.0',
  uses: [],
  trust: 'catalogue',
  state: 'ready',
  percent: null,
  reason: null,
  pinned: false,
  size: 1,
  contextWindow: 8192,
  slots: 4,
  dimensions: null,
  createdAt: 1_700_000_000_000,
  ...changes
})

export type Script = (job: ScriptedJob) => void

/** The HTTP room's services with everything real but the queue: `script` plays each job. */
export function createScriptedServices(
  script: Script = (job) => job.emit(...answer),
  variables: Record<string, string> = {},
  planScript: PlanScript = {}
) {
  const db = openDatabase(':memory:')
  const logged: string[] = []
  const sink = new Writable({
    write(line, _encoding, done) {
      logged.push(String(line))
      done()
    }
  })
  const log = pino({ level: 'trace' }, sink)
  const jobs: ScriptedJob[] = []
  const histories = new Map<string, { clientId: string; events: SequencedEvent[] }>()
  const cancelled: string[] = []
  const orders: string[] = []
  const models = [model('small'), model('embedder', { kind: 'embedding', dimensions: 4 }), model('far', { state: 'absent' })]
  const config: Config = loadConfig({ OUTPOST_HOME: '/nonexistent', ...variables })
  const scriptedPlans = createScriptedPlans(db, planScript)
  const known = (id: string) => scriptedPlans.services.find((service) => service.id === id)
  const forget = (id: string) => {
    const service = known(id)
    if (service !== undefined) scriptedPlans.services.splice(scriptedPlans.services.indexOf(service), 1)
  }
  const toolboxes = createToolbox({
    store: createPlanToolStore(db),
    registerService(service) {
      const version = (known(service.id)?.version ?? 0) + 1
      forget(service.id)
      scriptedPlans.services.push({ ...service, version, registeredAt: Date.now() })
    },
    removeService: (_projectId, id) => forget(id),
    llm: {
      complete: async () => {
        throw new AppError('model_not_ready', 'there is no model in this test')
      }
    },
    fetch: createGuardedFetch(createAddressGuard({ airGap: false, lanAllow: [] })),
    events: { onMessage: () => {}, onHealth: () => {} },
    log
  })
  let policy = noPolicy
  let notReady: AppError | undefined
  const queues: QueueSnapshot[] = []

  const pepper = randomBytes(32)
  const keys = createKeyStore(db, { pepper, log })
  const sessions = createSessionStore(db, { pepper, keys })
  const signInLinks = createSignInLinks()
  const changes = new Set<(change: Change) => void>()

  const services: HttpServices = {
    config,
    log,
    keys,
    sessions,
    signInLinks,
    signInLink: () => ({ url: `http://127.0.0.1:4477/#sign-in=${signInLinks.create().token}`, expiresAt: Date.now() + 600_000 }),
    consoleFolder: builtConsole(),
    usage: createUsageStore(db),
    onChange(listener) {
      changes.add(listener)
      return () => changes.delete(listener)
    },
    models: {
      list: () => models,
      resolve(name) {
        const found = models.find(({ id, aliases }) => id === name || aliases.includes(name))
        if (found === undefined)
          throw new AppError('model_not_found', `there is no model ${JSON.stringify(name)}; near names: small`, { param: 'model' })
        return found
      },
      describe: async (id) => {
        throw new AppError('model_not_ready', `the weights of ${id} are not here: outpost pull ${id}`)
      },
      fit: async (id, settings) => {
        orders.push(`fit ${id} ${JSON.stringify(settings)}`)
        const machine = { total: 8 * 2 ** 30, available: 4 * 2 ** 30, gpus: [] }
        const { name, kind, engine, licence, contextWindow } = model(id)
        return fitOfEntry(
          CatalogueEntry.parse({ id, name, kind, engine, licence, contextWindow, description: '', parameters: 1e9, files: [] }),
          settings,
          machine
        )
      },
      pull: async (id) => void orders.push(`pull ${id}`),
      order: async (name) => ({ model: name, done: Promise.resolve(orders.push(`order ${name}`)) }),
      pulls: { list: () => [], find: () => undefined, stop: () => false, follow: () => () => {} },
      blobPath: (sha256) => `/nonexistent/sha256-${sha256}`,
      load: async (id) => {
        orders.push(`load ${id}`)
        if (id === 'far') throw new AppError('model_not_ready', 'far is not here; pull it first')
      },
      unload: async (id) => void orders.push(`unload ${id}`)
    },
    jobs: {
      async submit(submission, listener) {
        const { job, leave } = createJob(submission, listener)
        jobs.push(job)
        queueMicrotask(() => script(job))
        return { jobId: job.jobId, leave }
      },
      async follow(jobId, afterSeq, listener) {
        const history = histories.get(jobId)
        if (history === undefined) throw new AppError('not_found', `there is no job ${jobId}`)
        queueMicrotask(() => listener(history.events.filter(({ seq }) => seq > afterSeq)))
        return { jobId, clientId: history.clientId, leave: () => {} }
      },
      cancel: async (jobId) => {
        cancelled.push(jobId)
        return histories.has(jobId)
      },
      queues: async () => queues
    },
    bundles: {
      inspect: async (path) => {
        throw new AppError('bundle_invalid', `There is no bundle ${path}.`)
      },
      start: async (order) => {
        throw new AppError('bundle_invalid', `There is no bundle ${order.path}.`)
      },
      status: () => null,
      signers: () => []
    },
    upkeep: {
      remove(name) {
        const { id } = services.models.resolve(name)
        orders.push(`remove ${id}`)
        return { model: id, freed: 7, kept: 0 }
      },
      async adopt(path, name) {
        orders.push(`adopt ${path} ${name}`)
        return name ?? 'adopted'
      },
      async collectGarbage({ olderThanDays, dryRun }) {
        orders.push(`gc ${olderThanDays} ${dryRun}`)
        return { items: [], freed: 0, dryRun }
      },
      verify: async (name) => void orders.push(`verify ${name ?? 'all'}`),
      verification: () => ({ running: null, results: [] }),
      setPinned(name, pinned, by) {
        const { id } = services.models.resolve(name)
        orders.push(`${pinned ? 'pin' : 'unpin'} ${id} by ${by}`)
        return { model: id, pinned }
      },
      policy: () => policy,
      setPolicy(next) {
        policy = next
        return policy
      }
    },
    plans: scriptedPlans.plans,
    toolboxes,
    notReady: () => notReady
  }

  function createJob(submission: Submission, listener: EventListener) {
    const jobId = `job-${jobs.length + 1}`
    const gone = Promise.withResolvers<string>()
    const history: SequencedEvent[] = []
    histories.set(jobId, { clientId: submission.client.id, events: history })
    const job: ScriptedJob = {
      jobId,
      submission,
      hasLeft: false,
      left: gone.promise,
      emit(...events) {
        if (job.hasLeft) return
        const isNews = (event: JobEvent) => event.type === 'job-queued' || event.type === 'model-load'
        const sequenced = events.map((event): SequencedEvent => {
          const next = { ...event, jobId, seq: isNews(event) ? -1 : history.length }
          if (next.seq >= 0) history.push(next)
          return next
        })
        listener(sequenced)
      }
    }
    const leave = (reason: string) => {
      job.hasLeft = true
      gone.resolve(reason)
    }
    return { job, leave }
  }

  const setNotReady = (error: AppError | undefined) => {
    notReady = error
  }
  const tellChange = (change: Change) => {
    for (const listener of changes) listener(change)
  }
  return { services, toolboxes, jobs, logged, cancelled, orders, models, queues, setNotReady, tellChange, scriptedPlans }
}

export type Scripted = ReturnType<typeof createScriptedServices> & { app: FastifyInstance; url: string; [Symbol.asyncDispose](): Promise<void> }

/** The whole app over scripted services, listening on a free port. */
export async function startScripted(script?: Script, variables: Record<string, string> = {}, planScript: PlanScript = {}): Promise<Scripted> {
  const scripted = createScriptedServices(script, variables, planScript)
  const app = await buildApp(scripted.services)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return { ...scripted, app, url, [Symbol.asyncDispose]: () => app.close() }
}

let consoleFolder: string | undefined
/** What a build of the console looks like to the server, once for each process. */
function builtConsole(): string {
  if (consoleFolder !== undefined) return consoleFolder
  const folder = mkdtempSync(join(tmpdir(), 'outpost-console-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'assets'))
  writeFileSync(join(folder, 'pages.json'), '["models"]')
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Outpost</title>')
  const script = 'export const one = 1\n'.repeat(100)
  writeFileSync(join(folder, 'assets', 'main-abc123.js'), script)
  writeFileSync(join(folder, 'assets', 'main-abc123.js.br'), brotliCompressSync(script))
  writeFileSync(join(folder, 'assets', 'main-abc123.js.gz'), gzipSync(script))
  consoleFolder = folder
  return folder
}

/** `data:` lines of a stream, parsed; `[DONE]` stays text. */
export function dataOf(body: string): unknown[] {
  return body
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => (line === 'data: [DONE]' ? '[DONE]' : JSON.parse(line.slice(6))))
}

export const hello = { model: 'small', messages: [{ role: 'user', content: 'hello' }] }
