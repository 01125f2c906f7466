#!/usr/bin/env -S node --max-semi-space-size=8
import { setGlobalProxyFromEnv } from 'node:http'
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { UsageError } from './cli/usage-error.ts'
import { isVerb, usage, verbs } from './cli/verbs.ts'
import { version } from './version.ts'

/** `outpost <verb> …`. Exit code 0: done, 1: failed, 2: wrong usage. */
async function main(): Promise<number> {
  keepCompiled()
  const [verb = '', ...rest] = process.argv.slice(2)
  surviveClosedPipe(verb)
  if (verb === '' || verb === 'help' || verb === '--help' || verb === '-h') {
    const [about = ''] = rest
    process.stdout.write(verb === 'help' && isVerb(about) ? verbs[about].help : usage())
    return verb === '' ? 2 : 0
  }
  if (verb === '--version' || verb === '-v') {
    process.stdout.write(`${version}\n`)
    return 0
  }
  if (verb === 'worker') {
    const { runWorker } = await import('./workers/worker.ts')
    await runWorker(rest[0])
    return 0
  }
  if (!isVerb(verb)) throw new UsageError(`there is no verb ${JSON.stringify(verb)}\n\n${usage()}`)
  if (wantsHelp(rest)) {
    process.stdout.write(verbs[verb].help)
    return 0
  }
  // Those that fetch weights honour HTTPS_PROXY and NO_PROXY, as curl and pip do.
  if (verb === 'serve' || verb === 'pull' || verb.startsWith('verify')) setGlobalProxyFromEnv()
  const { run } = await verbs[verb].load()
  return await run(rest)
}

try {
  process.exitCode = await main()
} catch (error) {
  if (error instanceof UsageError || isParseArgsError(error)) {
    process.stderr.write(`outpost: ${(error as Error).message}\n`)
    process.exitCode = 2
  } else if (await isExpected(error)) {
    process.stderr.write(`outpost: ${(error as Error).message}\n`)
    process.exitCode = 1
  } else {
    throw error
  }
}

/** A third of the start is compiling modules; what was compiled is kept for the next one, where that is possible. */
function keepCompiled(): void {
  // Coverage counts wrongly with it.
  if (process.env['NODE_V8_COVERAGE'] !== undefined || process.env['NODE_COMPILE_CACHE'] !== undefined) return
  const caches = process.env['XDG_CACHE_HOME'] ?? (process.platform === 'darwin' ? join(homedir(), 'Library', 'Caches') : join(homedir(), '.cache'))
  const folder = process.platform === 'win32' ? join(process.env['LOCALAPPDATA'] ?? homedir(), 'Outpost', 'cache') : join(caches, 'outpost')
  enableCompileCache(join(folder, 'compiled'))
}

/** An error whose message says all there is to say. Looked up here, so that a start need not wait for what is seldom needed. */
async function isExpected(error: unknown): Promise<boolean> {
  const [{ AppError }, { ConfigError }] = await Promise.all([import('./errors.ts'), import('./config.ts')])
  return error instanceof AppError || error instanceof ConfigError
}

/** After `--` everything is data. */
function wantsHelp(args: string[]): boolean {
  const end = args.indexOf('--')
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === '--help' || arg === '-h')
}

/** What `node:util` parseArgs throws on an unknown option or a missing value. */
function isParseArgsError(error: unknown): boolean {
  return error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
}

/** `outpost list | head -1`: a reader that has enough ends the command quietly. The server goes on without one. */
function surviveClosedPipe(verb: string): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      if (verb !== 'serve' && verb !== 'worker') process.exit(0)
    })
  }
}
