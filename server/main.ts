#!/usr/bin/env node
import { UsageError } from './cli/usage-error.ts'
import { isVerb, usage, verbs } from './cli/verbs.ts'
import { ConfigError } from './config.ts'
import { AppError } from './errors.ts'

/** `outpost <verb> …`. Exit code 0: done, 1: failed, 2: wrong usage. */
async function main(): Promise<number> {
  const [verb = '', ...rest] = process.argv.slice(2)
  if (verb === '' || verb === 'help' || verb === '--help' || verb === '-h') {
    process.stdout.write(usage())
    return verb === '' ? 2 : 0
  }
  if (verb === 'worker') {
    const { runWorker } = await import('./workers/worker.ts')
    await runWorker()
    return 0
  }
  if (!isVerb(verb)) throw new UsageError(`there is no verb ${JSON.stringify(verb)}\n\n${usage()}`)
  if (rest.includes('--help') || rest.includes('-h')) {
    process.stdout.write(verbs[verb].help)
    return 0
  }
  const { run } = await verbs[verb].load()
  return await run(rest)
}

try {
  process.exitCode = await main()
} catch (error) {
  if (error instanceof UsageError || isParseArgsError(error)) {
    process.stderr.write(`outpost: ${(error as Error).message}\n`)
    process.exitCode = 2
  } else if (error instanceof AppError || error instanceof ConfigError) {
    process.stderr.write(`outpost: ${error.message}\n`)
    process.exitCode = 1
  } else {
    throw error
  }
}

/** What `node:util` parseArgs throws on an unknown option or a missing value. */
function isParseArgsError(error: unknown): boolean {
  return error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
}
