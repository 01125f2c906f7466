import { join } from 'node:path'
import { noPolicy, Policy } from '#contracts/policy.ts'
import type { Config } from './config.ts'
import { readSetting } from './store/settings.ts'

/** What the policy is called among the settings. */
export const policySetting = 'policy'

export function databaseOf(config: Pick<Config, 'home'>): string {
  return join(config.home, 'outpost.db')
}

/** The policy of a home, read without its server: a command that brings weights by itself has to hold it as well. */
export function readHomePolicy(config: Pick<Config, 'home'>): Policy {
  return readSetting(databaseOf(config), policySetting, Policy) ?? noPolicy
}
