import { setTimeout as delay } from 'node:timers/promises'
import type { Server } from '../compose.ts'
import type { Config } from '../config.ts'
import { AppError, toAppError } from '../errors.ts'
import type { Log } from '../log.ts'
import { isLoopback } from '../loopback.ts'
import { createProgressWriter } from '../models/pull/progress.ts'
import { stateText } from './models.ts'
import { createStatusLine, paint, progressStream, say, tell } from './terminal.ts'

export type Start = {
  server: Server
  config: Config
  /** Whether weights that are missing are downloaded. */
  pull: boolean
  /** Where the log goes instead of to stderr. */
  logFile: string | undefined
  log: Log
  /** The server is told to stop: what fails from then on is no news. */
  signal: AbortSignal
}

/** Who is told that it is ready asks now; a second model that is being loaded would take the processor from that first answer. */
const embeddingDelayMs = 1000

/** Pulls and loads the models the server shall have, and says on the terminal how that goes. */
export async function makeReady(start: Start): Promise<void> {
  const { server, config, log, signal } = start
  const { models, wanted } = server
  say(`Outpost listens on ${paint('bold', server.address)}`)
  try {
    const chat = models.resolve(wanted.chat).id
    await server.queueReady
    signal.throwIfAborted()
    await bring(chat, start)
    signal.throwIfAborted()
    say(greeting(server, chat, config, start.logFile))
  } catch (error) {
    if (signal.aborted) return
    tell(`outpost: ${wanted.chat} cannot answer: ${toAppError(error).message}`)
  }
  try {
    await delay(embeddingDelayMs, undefined, { signal })
    await bring(models.resolve(wanted.embedding).id, start)
  } catch (error) {
    if (signal.aborted) return
    const reason = toAppError(error)
    log.warn({ model: wanted.embedding, code: reason.code, reason: reason.message }, 'no embeddings')
    if (start.logFile !== undefined || reason.code === 'weights_unavailable')
      say(`Embeddings are off until ${wanted.embedding} is here: ${reason.message}`)
  }
  for (const name of config.preload) {
    try {
      signal.throwIfAborted()
      await bring(models.resolve(name).id, start)
    } catch (error) {
      if (signal.aborted) return
      const reason = toAppError(error)
      log.warn({ model: name, code: reason.code, reason: reason.message }, 'not preloaded')
      say(`${name} was not loaded: ${reason.message}`)
    }
  }
}

async function bring(id: string, { server, pull, signal }: Start): Promise<void> {
  const { models } = server
  const { state } = models.resolve(id)
  if (state === 'absent' || state === 'pulling') {
    if (!pull && state === 'absent') throw new AppError('model_not_ready', `its weights are not here, and --no-pull was given: outpost pull ${id}`)
    const progress = createProgressWriter(progressStream())
    try {
      await models.pull(id, ({ file, received, total }) => progress.update(file, received, total))
    } finally {
      progress.end()
    }
  }
  const shown = new AbortController()
  void showLoading(id, server, AbortSignal.any([signal, shown.signal]))
  try {
    await models.load(id)
  } finally {
    shown.abort()
  }
}

/** A line on a terminal as long as a model is being loaded. */
async function showLoading(id: string, { models }: Server, signal: AbortSignal): Promise<void> {
  const status = createStatusLine()
  signal.addEventListener('abort', () => status.clear(), { once: true })
  while (process.stderr.isTTY && !signal.aborted) {
    status.show(`${id}: ${stateText(models.resolve(id))}`)
    await delay(200, undefined, { signal }).catch(() => {})
  }
}

function greeting(server: Server, model: string, config: Config, logFile: string | undefined): string {
  const count = server.keys.list().length
  const isOpen = isLoopback(config.host)
  const keys = [
    isOpen ? 'From this machine no key is needed; for others: outpost keys create NAME.' : 'A key is needed: outpost keys create NAME.',
    ...(count > 0 ? [`There ${count === 1 ? 'is 1 key' : `are ${count} keys`} (outpost keys list).`] : [])
  ].join(' ')
  const authorization = isOpen ? '' : " -H 'authorization: Bearer KEY'"
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Say hello.' }] })
  return `Ready with ${paint('bold', model)}. ${keys}
Home: ${config.home}${logFile === undefined ? '' : `  Log: ${logFile}`}
Console: ${server.signInLink().url}
  It signs a browser in as the owner, once, within ten minutes; another one: outpost console
API:  ${server.address}/docs  Chat in another terminal: outpost run ${model}

  curl ${server.address}/v1/chat/completions${authorization} -H 'content-type: application/json' -d '${body}'
`
}

const watchMs = 1000
/** Looks within which a server that starts has its Redis, or can say why not. */
const startLooks = 6

/** Tells a terminal when a server that runs cannot serve any more, and when it can again; the log, which has more, goes to a file then. */
export function watchReadiness(server: Pick<Server, 'notReady'>): { end(): void } {
  let said: string | undefined
  let seen: string | undefined
  let looks = 0
  const timer = setInterval(() => {
    looks++
    if (looks <= startLooks) return
    const problem = server.notReady()
    // Pulling and loading are shown by themselves.
    const message = problem === undefined || problem.code === 'model_not_ready' ? undefined : problem.message
    // What is over by the next look is none of the user's business.
    if (message !== undefined && message === seen && message !== said) {
      said = message
      tell(`${paint('yellow', '⚠', process.stderr)} ${message}`)
    }
    if (problem === undefined && said !== undefined) {
      said = undefined
      tell(`${paint('green', '✔', process.stderr)} It can serve again.`)
    }
    seen = message
  }, watchMs)
  timer.unref()
  return { end: () => clearInterval(timer) }
}
