import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import type { Catalogue } from '#contracts/model.ts'
import { noPolicy, Policy } from '#contracts/policy.ts'
import type { GarbageReport, RemovedReply, VerificationStatus } from '#contracts/store.ts'
import { AppError } from './errors.ts'
import { policySetting } from './home-policy.ts'
import type { KnownModels } from './known-models.ts'
import type { Log } from './log.ts'
import { enforceAdoption } from './models/policy.ts'
import { collectGarbage } from './models/store/garbage.ts'
import { hashFile } from './models/store/hash-file.ts'
import type { ModelStore } from './models/store/store.ts'
import { createVerification } from './models/store/verification.ts'
import type { SettingsStore } from './store/settings.ts'

const pinnedSetting = 'pinned-models'

/** What an administrator has done to weights that are here, and to what may come. */
export type ModelUpkeep = {
  /** Throws `model_not_found`, `conflict` while it is being pulled. A running answer goes on to its end. */
  remove(name: string): RemovedReply
  /** Uses a GGUF file of this machine where it lies. Resolves with its id. */
  adopt(path: string, name?: string): Promise<string>
  collectGarbage(options: { olderThanDays: number; dryRun: boolean }): Promise<GarbageReport>
  /** One model, or all. Resolves when it is done; `verification` shows how far it is. */
  verify(name?: string): Promise<void>
  verification(): VerificationStatus
  isPinned(id: string): boolean
  setPinned(name: string, pinned: boolean, by: string): { model: string; pinned: boolean }
  policy(): Policy
  /** What it denies from now on is unloaded when its running requests have ended. */
  setPolicy(policy: Policy, by: string): Policy
  /** Verifies in the background what was not verified for so long, until the signal. */
  keepVerified(options: { maxAgeMs: number; signal: AbortSignal }): void
}

/** Between two looks for what is due. */
const lookMs = 10 * 60_000
/** Bytes a second that background verification reads at most: it must not push what serves out of the file cache. */
const backgroundRate = 50e6

export function createModelUpkeep(options: {
  store: ModelStore
  catalogue: Catalogue
  settings: SettingsStore
  /** Known after this: they ask for pins and policy. */
  models: () => Pick<KnownModels, 'list' | 'resolve' | 'pull' | 'unload' | 'lookAgain' | 'deniedBy'>
  /** Pins or policy changed. */
  onChange: () => void
  signal: AbortSignal
  log: Log
}): ModelUpkeep {
  const { store, catalogue, settings, signal, log } = options
  let pinned = new Set(settings.get(pinnedSetting, z.array(z.string())) ?? [])
  let policy = settings.get(policySetting, Policy) ?? noPolicy
  const models = () => options.models()
  const unload = (id: string) => {
    models()
      .unload(id)
      .catch((error) => log.error({ model: id, err: error }, 'not unloaded'))
  }
  const verification = createVerification({
    store,
    hash: hashFile,
    onRotten(id) {
      models().lookAgain()
      unload(id)
    },
    fetchAgain: (id) => models().pull(id),
    log
  })

  return {
    remove(name) {
      const { id, state } = models().resolve(name)
      if (state === 'pulling') throw new AppError('conflict', `${id} is being pulled: stop that first, or wait for its end`)
      const removal = store.remove(id)
      if (removal === undefined) throw new AppError('model_not_found', `${id} is not on this machine, so there is nothing to remove`)
      models().lookAgain()
      unload(id)
      return { model: id, freed: removal.freed, kept: removal.kept }
    },
    async adopt(path, name) {
      const { entry } = await store.adopt(path, {
        ...(name === undefined ? {} : { id: name }),
        allow: (manifest) => enforceAdoption(policy, manifest)
      })
      models().lookAgain()
      return entry.id
    },
    collectGarbage: (how) => collectGarbage(store, catalogue, how),
    async verify(name) {
      const id = name === undefined ? undefined : models().resolve(name).id
      await verification.run(id, { signal })
      models().lookAgain()
    },
    verification: () => verification.status(),
    isPinned: (id) => pinned.has(id),
    setPinned(name, isPinned, by) {
      const { id } = models().resolve(name)
      const next = isPinned ? pinned.union(new Set([id])) : pinned.difference(new Set([id]))
      settings.set(pinnedSetting, [...next].sort(), by)
      pinned = next
      options.onChange()
      return { model: id, pinned: isPinned }
    },
    policy: () => policy,
    setPolicy(next, by) {
      settings.set(policySetting, next, by)
      policy = next
      models().lookAgain()
      for (const { id, state } of models().list()) {
        if ((state === 'ready' || state === 'loading') && models().deniedBy(id) !== undefined) unload(id)
      }
      options.onChange()
      return policy
    },
    keepVerified({ maxAgeMs, signal: until }) {
      const work = async () => {
        while (!until.aborted) {
          const found = await verification.runOldest(maxAgeMs, { signal: until, rate: backgroundRate }).catch((error) => {
            if (!until.aborted) log.warn({ err: error }, 'weights could not be verified')
            return false
          })
          if (!found) await delay(lookMs, undefined, { signal: until, ref: false })
        }
      }
      work().catch(() => {})
    }
  }
}
