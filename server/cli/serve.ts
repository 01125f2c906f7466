import { parseArgs } from 'node:util'
import type { Server } from '../compose.ts'
import { startServer } from '../compose.ts'
import { type Config, loadConfig } from '../config.ts'
import { toAppError } from '../errors.ts'
import { createLog, type Log } from '../log.ts'
import { UsageError } from './usage-error.ts'

/** Runs until it is told to stop (Ctrl-C, SIGTERM). A second signal does not wait. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      model: { type: 'string' },
      'no-pull': { type: 'boolean', default: false },
      port: { type: 'string' },
      host: { type: 'string' },
      'insecure-http': { type: 'boolean', default: false }
    }
  })
  const config = withOptions(loadConfig(), values)
  const log = createLog({ level: config.logLevel })
  const stopping = untilSignal()
  const server = await startServer({ config, insecureHttp: values['insecure-http'], log })
  try {
    void makeReady(server, config, !values['no-pull'], log).then(
      () => {},
      (error: unknown) => log.error({ err: error }, 'start')
    )
    await stopping
    process.stdout.write('stopping\n')
  } finally {
    await server.stop()
  }
  return 0
}

async function makeReady(server: Server, config: Config, pull: boolean, log: Log): Promise<void> {
  const { models, wanted } = server
  const chat = models.resolve(wanted.chat)
  const bring = async (id: string) => {
    if (pull) await models.pull(id)
    await models.load(id)
  }
  process.stdout.write(`Outpost listens on ${server.address}\n`)
  try {
    await server.queueReady
    await bring(chat.id)
    process.stdout.write(greeting(server, chat.id, config))
  } catch (error) {
    process.stderr.write(`outpost: ${chat.id} cannot answer: ${toAppError(error).message}\n`)
  }
  try {
    await bring(models.resolve(wanted.embedding).id)
  } catch (error) {
    log.warn({ model: wanted.embedding, reason: toAppError(error).message }, 'no embeddings')
  }
}

function greeting(server: Server, model: string, config: Config): string {
  const key = server.keys.anyActive()
    ? `Keys: ${server.keys.list().length} (outpost keys list).`
    : 'From this machine no key is needed; for others: outpost keys create NAME.'
  return `Ready with ${model}. ${key} Home: ${config.home}

  curl ${server.address}/v1/chat/completions -H 'content-type: application/json' -d '{"model":"${model}","messages":[{"role":"user","content":"Say hello."}]}'

`
}

function withOptions(config: Config, values: { model?: string | undefined; port?: string | undefined; host?: string | undefined }): Config {
  const port = values.port === undefined ? config.port : Number(values.port)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new UsageError(`--port must be 0–65535, got ${JSON.stringify(values.port)}`)
  return Object.freeze({ ...config, port, host: values.host ?? config.host, model: values.model ?? config.model })
}

function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    let told = false
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (told) process.exit(1)
        told = true
        resolve()
      })
    }
  })
}
