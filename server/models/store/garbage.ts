import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Catalogue } from '#contracts/model.ts'
import type { Garbage, GarbageReport } from '#contracts/store.ts'
import { clearDeadLock, isHeld, takeFileLock } from '../file-lock.ts'
import { namesIn } from './manifests.ts'
import type { ModelStore } from './store.ts'
import { blobFilesIn, touchedAt } from './store-files.ts'

const dayMs = 86_400_000
/** A pull that begins this very moment wins. */
const lockWaitMs = 1000

/**
 * What lies in the store and serves nothing: blobs no model needs, what stopped pulls left, drafts, quarantined files. Only what was not touched for
 * `olderThanDays` goes, because a pull of many files has blobs before it has a manifest, and a stopped one may go on tomorrow. Locks of dead processes go
 * at once. Nothing of a pull that runs is touched, in whatever process, and nothing of shared stores.
 */
export async function collectGarbage(
  store: ModelStore,
  catalogue: Catalogue,
  options: { olderThanDays: number; dryRun: boolean; now?: number }
): Promise<GarbageReport> {
  const oldest = (options.now ?? Date.now()) - options.olderThanDays * dayMs
  const isOld = (path: string) => touchedAt(path) <= oldest
  const pathOf = (name: string, ending: string) => join(store.blobFolder, `${name}${ending}`)
  const groups = blobFilesIn(store.blobFolder)
  const isPulled = ({ name }: (typeof groups)[number]) => isHeld(pathOf(name, '.lock'))
  const pulled = new Set(groups.filter(isPulled).map(({ sha256 }) => sha256))
  // The other files of a model that is being pulled belong to it as well.
  for (const { files } of catalogue.models) {
    if (files.some(({ sha256 }) => sha256 !== undefined && pulled.has(sha256)))
      for (const { sha256 } of files) if (sha256 !== undefined) pulled.add(sha256)
  }
  const items: Garbage[] = []
  const take = (path: string, kind: Garbage['kind']) => {
    items.push({ path, kind, bytes: bytesOf(path) })
    if (!options.dryRun) rmSync(path, { recursive: true, force: true, maxRetries: 3 })
  }

  for (const group of groups) {
    const { name, sha256, endings } = group
    const lock = pathOf(name, '.lock')
    if (sha256 === undefined ? isPulled(group) : pulled.has(sha256)) continue
    if (endings.includes('.lock')) {
      items.push({ path: lock, kind: 'dead lock', bytes: bytesOf(lock) })
      if (!options.dryRun) clearDeadLock(lock)
    }
    const leftovers = endings.filter((ending) => ending !== '' && !ending.startsWith('.lock')).map((ending) => pathOf(name, ending))
    const isNeeded = () => sha256 !== undefined && store.users().has(sha256)
    const isOrphan = endings.includes('') && !isNeeded()
    const goes = [
      ...(leftovers.every(isOld) ? leftovers.map((path) => ({ path, kind: 'stopped pull' as const })) : []),
      ...(isOrphan && isOld(pathOf(name, '')) ? [{ path: pathOf(name, ''), kind: 'unused blob' as const }] : [])
    ]
    if (goes.length === 0) continue
    const takeAll = () => {
      // Somebody may have begun to need it meanwhile.
      for (const { path, kind } of goes) if (kind !== 'unused blob' || !isNeeded()) take(path, kind)
    }
    if (options.dryRun) takeAll()
    else await takeAlone(lock, takeAll)
  }
  for (const [place, kind] of [
    ['quarantine', 'quarantined'],
    ['manifests', 'draft']
  ] as const) {
    for (const name of namesIn(join(store.folder, place))) {
      const path = join(store.folder, place, name)
      if (isOld(path) && (kind === 'quarantined' || name.endsWith('.tmp'))) take(path, kind)
    }
  }
  return { items, freed: items.reduce((sum, { bytes }) => sum + bytes, 0), dryRun: options.dryRun }
}

/** Does it while nobody pulls this file; not at all when somebody has just begun to. */
async function takeAlone(lock: string, act: () => void): Promise<void> {
  try {
    using _held = await takeFileLock(lock, AbortSignal.timeout(lockWaitMs))
    act()
  } catch (error) {
    if ((error as Error).name !== 'TimeoutError' && (error as Error).name !== 'AbortError') throw error
  }
}

function bytesOf(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return 0
  return stat.isDirectory() ? namesIn(path).reduce((sum, name) => sum + bytesOf(join(path, name)), 0) : stat.size
}
