import pino from 'pino'

/** Object first, short constant text. Never prompts, replies or keys: only ids, numbers and codes go in. */
export type Log = pino.Logger

export function createLog(options: { level?: string; file?: string; name?: string } = {}): Log {
  const destination = pino.destination({ dest: options.file ?? 2, mkdir: true, sync: true })
  return pino(
    {
      level: options.level ?? 'info',
      base: options.name === undefined ? {} : { process: options.name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // A second line of defence behind "do not log it": what carries a secret by its name never gets out.
      redact: { paths: ['*.authorization', '*["x-api-key"]', 'authorization', 'key', 'secret', '*.secret'], censor: '[hidden]' }
    },
    destination
  )
}
