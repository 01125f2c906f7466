import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { PullStatus } from '#contracts/pull.ts'
import { type Config, loadConfig, toBytes } from '../config.ts'
import { AppError } from '../errors.ts'
import { prepareHome } from '../home.ts'
import { createProgressWriter } from '../models/pull/progress.ts'
import { parsePullReference } from '../models/pull/pull-reference.ts'
import { adoptHere } from './adopt.ts'
import { oneArgument } from './arguments.ts'
import { type Client, findServer } from './client.ts'
import { runUntilInterrupted } from './interrupt.ts'
import { openLocalModels } from './local-models.ts'
import { findModel } from './models.ts'
import { harmless, progressStream, say, sayJson } from './terminal.ts'
import { UsageError } from './usage-error.ts'

const lookMs = 250

type Options = { limitRate?: number | undefined; signal: AbortSignal; progress: NodeJS.WriteStream | undefined }

/** Through the running server when there is one, because it then has the model at once; else in this process. */
export async function run(args: string[]): Promise<number> {
  const { positionals, values } = parseArgs({
    args,
    options: { 'limit-rate': { type: 'string' }, json: { type: 'boolean', default: false } },
    allowPositionals: true
  })
  const name = oneArgument(positionals, 'MODEL')
  const config = loadConfig()
  if (name.toLowerCase().endsWith('.gguf') && parsePullReference(name) === undefined) {
    const id = await adoptHere(name, undefined, config)
    say(`${id} is here: ${name} is used where it lies.`)
    return 0
  }

  const limitRate = rateOf(values['limit-rate'])
  return await runUntilInterrupted(async (signal) => {
    const options: Options = { limitRate, signal, progress: values.json ? undefined : progressStream() }
    const client = await findServer(config)
    const ended = client === undefined ? await pullHere(name, config, options) : await orderFromServer(client, name, options)
    if (values.json) sayJson(ended)
    else say(`${ended.model} is here.`)
    return 0
  })
}

/** Answers the id of what is here then. Throws what hindered the server, and `cancelled` when only the watching was stopped. */
export async function pullThroughServer(
  client: Client,
  name: string,
  signal: AbortSignal,
  stream: NodeJS.WriteStream = progressStream()
): Promise<string> {
  return (await orderFromServer(client, name, { signal, progress: stream })).model
}

type Ended = Pick<PullStatus, 'model' | 'warnings' | 'failures'>

async function orderFromServer(client: Client, name: string, { limitRate, signal, progress: stream }: Options): Promise<Ended> {
  const body = { model: name, ...(limitRate === undefined ? {} : { limitRate }) }
  const { model } = await client.call('orderPull', { body })
  const progress = stream === undefined ? undefined : createProgressWriter(stream)
  const news = createNews()
  try {
    for (;;) {
      const status = (await client.call('pulls')).pulls.find((pull) => pull.model === model)
      // What was here already was never pulled.
      if (status === undefined) return { model: findModel((await client.call('models')).models, model).id, warnings: [], failures: [] }
      progress?.update(model, status.received, status.total ?? 0)
      if (stream !== undefined) news.tell(status, () => progress?.end())
      if (status.state === 'done') return status
      if (status.error !== null) throw new AppError(status.error.code, status.error.message)
      await delay(lookMs, undefined, { signal })
    }
  } catch (error) {
    if (signal.aborted) throw new AppError('cancelled', `The server goes on pulling ${model}: outpost list shows how far it is.`)
    throw error
  } finally {
    progress?.end()
  }
}

async function pullHere(name: string, config: Config, { limitRate, signal, progress: stream }: Options): Promise<Ended> {
  prepareHome(config.home)
  const { known } = openLocalModels(config, signal)
  const progress = stream === undefined ? undefined : createProgressWriter(stream)
  const news = createNews()
  try {
    const { model, done } = await known.order(name, { limitRate, onProgress: ({ file, received, total }) => progress?.update(file, received, total) })
    const unfollow = known.pulls.follow(model, (status) => {
      if (stream !== undefined) news.tell(status, () => progress?.end())
    })
    await done.finally(unfollow)
    return known.pulls.find(model) ?? { model, warnings: [], failures: [] }
  } finally {
    progress?.end()
  }
}

/** Says each warning once, and which sources failed once another one sends; when none does, the error lists them all. */
function createNews(): { tell(status: PullStatus, before: () => void): void } {
  const told = new Set<string>()
  return {
    tell({ warnings, failures, source }, before) {
      const others = source === null ? [] : failures.filter((failure) => failure.source !== source)
      const lines = [
        ...warnings.map((warning) => `⚠ ${harmless(warning)}`),
        ...others.map((failure) => `${harmless(failure.source)}: ${harmless(failure.reason)}`)
      ]
      for (const line of lines) {
        if (told.has(line)) continue
        told.add(line)
        before()
        process.stderr.write(`${line}\n`)
      }
    }
  }
}

function rateOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const rate = toBytes(text)
  if (rate === undefined || rate < 1024)
    throw new UsageError(`--limit-rate must be bytes a second, 1K or more, such as 50M, got ${JSON.stringify(text)}`)
  return rate
}
