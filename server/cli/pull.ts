import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { ModelStatus } from '#contracts/model.ts'
import { type Config, loadConfig } from '../config.ts'
import { AppError } from '../errors.ts'
import { prepareHome } from '../home.ts'
import { findEntry } from '../models/catalogue.ts'
import { createProgressWriter } from '../models/progress.ts'
import { pullModel } from '../models/pull.ts'
import { oneArgument } from './arguments.ts'
import { type Client, findServer } from './client.ts'
import { openLocalModels } from './local-models.ts'
import { findModel } from './models.ts'
import { say } from './terminal.ts'

const lookMs = 250
/** What a shell expects of a program that Ctrl-C ended. */
const interrupted = 130

/** Through the running server when there is one, because it then has the model at once; else in this process. */
export async function run(args: string[]): Promise<number> {
  const { positionals } = parseArgs({ args, options: {}, allowPositionals: true })
  const name = oneArgument(positionals, 'MODEL')
  const config = loadConfig()
  if (name.toLowerCase().endsWith('.gguf')) return adopt(name, config)

  const stop = new AbortController()
  const onSignal = () => stop.abort()
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  try {
    const client = await findServer(config)
    const id = client === undefined ? await pullHere(name, config, stop.signal) : await pullThroughServer(client, name, stop.signal)
    say(`${id} is here.`)
    return 0
  } catch (error) {
    if (!stop.signal.aborted) throw error
    const { message } = error instanceof AppError ? error : { message: 'Stopped.' }
    process.stderr.write(`${message}\n`)
    return interrupted
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}

/** Answers the id of what is here then. Throws what hindered the server, and `cancelled` when only the watching was stopped. */
export async function pullThroughServer(
  client: Client,
  name: string,
  signal: AbortSignal,
  stream: NodeJS.WriteStream = progressStream()
): Promise<string> {
  const look = async (wanted: string): Promise<ModelStatus> => findModel((await client.call('models')).models, wanted)
  const { id } = await look(name)
  await client.call('pullModel', { params: { id } })
  const progress = createProgressWriter(stream)
  try {
    for (;;) {
      const { state, percent, size, reason } = await look(id)
      if (state === 'absent') throw new AppError('weights_unavailable', reason ?? `the pull of ${id} ended early; the server's log tells why`)
      if (state !== 'pulling') return id
      progress.update(id, Math.floor((size * (percent ?? 0)) / 100), size)
      await delay(lookMs, undefined, { signal })
    }
  } catch (error) {
    if (signal.aborted) throw new AppError('cancelled', `The server goes on pulling ${id}: outpost list shows how far it is.`)
    throw error
  } finally {
    progress.end()
  }
}

async function pullHere(name: string, config: Config, signal: AbortSignal): Promise<string> {
  prepareHome(config.home)
  const { catalogue, store, known, log } = openLocalModels(config)
  const { id } = known.resolve(name)
  const entry = findEntry(catalogue, id)
  // Not in the catalogue, but known: it is one that was adopted.
  if (entry === undefined) return id
  const progress = createProgressWriter(progressStream())
  try {
    await pullModel({ entry, store, sources: config, signal, log, onProgress: ({ file, received, total }) => progress.update(file, received, total) })
    return id
  } finally {
    progress.end()
  }
}

/** A GGUF file is used where it lies; a running server of this home sees it at its next look. */
async function adopt(path: string, config: Config): Promise<number> {
  if (config.url !== undefined)
    throw new AppError(
      'invalid_request',
      `${path} is a file of this machine, and OUTPOST_URL names another server: unset OUTPOST_URL, or pull by a model's name`
    )
  prepareHome(config.home)
  const { entry } = await openLocalModels(config).store.adopt(path)
  say(`${entry.id} is here: ${path} is used where it lies.`)
  return 0
}

/** The bar belongs to the terminal; without one, the plain lines go with the rest of the output. */
export function progressStream(): NodeJS.WriteStream {
  return process.stderr.isTTY ? process.stderr : process.stdout
}
