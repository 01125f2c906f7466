import { existsSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Config, loadConfig } from '../config.ts'
import { prepareHome } from '../home.ts'
import { createLog, type Log } from '../log.ts'
import { startSpareWorker } from '../workers/worker-process.ts'
import { numberOption } from './arguments.ts'
import { makeReady, watchReadiness } from './make-ready.ts'
import { say } from './terminal.ts'

/** A log file bigger than this is put aside at the next start, in the place of the one put aside before. */
const longestLog = 10 * 1024 * 1024

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
  const { log, file } = openLog(config)
  const { stopping, signal } = untilSignal()
  // Only a catalogue of one's own names other engines.
  const spareWorker = startSpareWorker(existsSync(join(config.home, 'models', 'catalogue.json')) ? undefined : 'llama')
  const { startServer } = await import('../compose.ts')
  const server = await startServer({ config, insecureHttp: values['insecure-http'], log, spareWorker })
  const watch = file === undefined ? undefined : watchReadiness(server)
  try {
    makeReady({ server, config, pull: !values['no-pull'], logFile: file, log, signal }).catch((error: unknown) => log.error({ err: error }, 'start'))
    // A queue that cannot start at all (no redis-server here) ends the server.
    await Promise.race([stopping, server.queueReady.then(() => stopping)])
    say('stopping')
  } finally {
    watch?.end()
    await server.stop()
  }
  return 0
}

/** JSON lines are for machines: on a terminal they go to a file, so that people see what concerns them. */
function openLog(config: Config): { log: Log; file: string | undefined } {
  if (!process.stderr.isTTY) return { log: createLog({ level: config.logLevel }), file: undefined }
  process.umask(0o077)
  prepareHome(config.home)
  const file = join(config.home, 'logs', 'outpost.log')
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > longestLog) renameSync(file, `${file}.1`)
  return { log: createLog({ level: config.logLevel, file }), file }
}

function withOptions(config: Config, values: { model?: string | undefined; port?: string | undefined; host?: string | undefined }): Config {
  const port = numberOption('port', values.port, { min: 0, max: 65_535, whole: true }) ?? config.port
  return Object.freeze({ ...config, port, host: values.host ?? config.host, model: values.model ?? config.model })
}

function untilSignal(): { stopping: Promise<void>; signal: AbortSignal } {
  const controller = new AbortController()
  const stopping = new Promise<void>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(name, () => {
        if (controller.signal.aborted) process.exit(1)
        controller.abort()
        resolve()
      })
    }
  })
  return { stopping, signal: controller.signal }
}
