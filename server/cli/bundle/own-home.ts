import { type Config, loadConfig } from '../../config.ts'
import { AppError } from '../../errors.ts'
import { prepareHome } from '../../home.ts'

/** Bundles go in and out of the home folder of this machine; a running server of it sees what changed. */
export function ownHome(config: Config = loadConfig()): Config {
  if (config.url !== undefined)
    throw new AppError(
      'invalid_request',
      'bundles are files of this machine, and OUTPOST_URL names another server: unset OUTPOST_URL, or run this over there'
    )
  prepareHome(config.home)
  return config
}
