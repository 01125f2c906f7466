import type { LocalModel } from '#contracts/model.ts'
import type { VerificationStatus, VerifiedFile } from '#contracts/store.ts'
import { toAppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { printOf } from './file-print.ts'
import type { HashFile } from './hash-file.ts'
import { type ModelStore, weightsNotHere } from './store.ts'

export type VerificationOptions = {
  store: ModelStore
  hash: HashFile
  /** Its blob was taken out of use: whatever still runs on it shall end. */
  onRotten?: (model: string) => void
  /** Gets the missing files of a model again; undefined where nothing may be fetched. */
  fetchAgain?: ((id: string) => Promise<unknown>) | undefined
  now?: () => number
  log: Log
}

export type Verification = {
  /** One model by its id, or all; joins what runs. Resolves when everything was looked at. */
  run(id?: string, options?: { signal?: AbortSignal; rate?: number }): Promise<VerifiedFile[]>
  /** Looks again at what was last verified more than `maxAgeMs` ago, the oldest first and slowly. False: nothing is due. */
  runOldest(maxAgeMs: number, options: { signal: AbortSignal; rate: number }): Promise<boolean>
  status(): VerificationStatus
}

/**
 * Reads weights again from end to end and holds them against their hashes. A blob that has rotted is put into quarantine and never loaded; it is fetched
 * again where a source is known, else reported. When a blob was last verified is kept, so nothing is read twice without a reason.
 */
export function createVerification(options: VerificationOptions): Verification {
  const { store, hash, log } = options
  const now = options.now ?? Date.now
  let running: VerificationStatus['running'] = null
  let results: VerifiedFile[] = []
  /** What cannot be mended from here is reported once, not at each round. */
  const reported = new Set<string>()
  let queue: Promise<unknown> = Promise.resolve()

  /** One after the other: the disk has one head to give. */
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = queue.then(work, work)
    queue = result.catch(() => {})
    return result
  }

  const toResult = (model: string, file: string, state: VerifiedFile['state'], message: string | null = null): VerifiedFile => {
    const result: VerifiedFile = { model, file, state, message, at: now() }
    if (state === 'rotten' || state === 'missing') log.error({ model, file, state }, message ?? 'weights are not what they were')
    return result
  }

  const verifyFile = async (
    { entry }: LocalModel,
    file: LocalModel['files'][number],
    { signal, rate }: { signal?: AbortSignal; rate?: number }
  ): Promise<VerifiedFile> => {
    const { id } = entry
    running = { model: id, file: file.name, received: 0, total: file.size }
    const onProgress = (received: number) => {
      running = { model: id, file: file.name, received: Math.min(received, file.size), total: file.size }
    }
    const sha256 = await hash(file.path, { onProgress, ...(signal === undefined ? {} : { signal }), ...(rate === undefined ? {} : { rate }) })
    if (sha256 === file.sha256) {
      store.verified.set(sha256, now())
      return toResult(id, file.name, 'right')
    }
    const place = store.quarantine(file.sha256)
    const what = `${file.path} has changed on the disk: sha256 ${sha256}, expected ${file.sha256}`
    if (place === undefined) {
      reported.add(file.path)
      return toResult(id, file.name, 'rotten', `${what}. It lies in a shared store, where it cannot be mended from here; its owner must`)
    }
    options.onRotten?.(id)
    log.warn({ model: id, file: file.name, quarantine: place }, 'a rotten file was put into quarantine')
    if (options.fetchAgain === undefined) {
      return toResult(id, file.name, 'rotten', `${what}. It was put aside to ${place}: outpost pull ${id}`)
    }
    try {
      await options.fetchAgain(id)
      return toResult(id, file.name, 'mended', `${what}; it was fetched again`)
    } catch (error) {
      return toResult(id, file.name, 'rotten', `${what}. It was put aside to ${place}, and could not be fetched again: ${toAppError(error).message}`)
    }
  }

  /** Has no hash: what it says of itself is looked at. */
  const verifyAdopted = async (id: string, path: string): Promise<VerifiedFile> => {
    try {
      await store.adopt(path, { id, again: true })
      return toResult(id, path, 'unhashed')
    } catch (error) {
      return toResult(id, path, printOf(path) === undefined ? 'missing' : 'rotten', toAppError(error).message)
    }
  }

  /** `right`: hashes found right by this order; a file that several models need is read once. */
  const verifyModel = async (id: string, how: { signal?: AbortSignal; rate?: number }, right: Set<string>): Promise<VerifiedFile[]> => {
    running = { model: id, file: id, received: 0, total: 0 }
    const broken = store.broken().find(({ entry }) => entry.id === id)
    if (broken?.adoptedFrom !== undefined) return [await verifyAdopted(id, broken.adoptedFrom)]
    if (broken !== undefined) return [toResult(id, id, 'missing', broken.reason)]
    const model = store.find(id)
    if (model === undefined) throw weightsNotHere(id)
    const found: VerifiedFile[] = []
    for (const file of model.files) {
      how.signal?.throwIfAborted()
      if (file.sha256 === '') continue
      const result = right.has(file.sha256) ? toResult(id, file.name, 'right') : await verifyFile(model, file, how)
      if (result.state === 'right') right.add(file.sha256)
      found.push(result)
    }
    const adopted = model.files[0]
    if (adopted?.sha256 === '') found.push(await verifyAdopted(id, adopted.path))
    return found
  }

  const lastLookAt = (file: LocalModel['files'][number]) => Math.max(store.verified.of(file.sha256) ?? 0, printOf(file.path)?.modifiedAt ?? 0)

  return {
    run: (id, how = {}) =>
      inTurn(async () => {
        results = []
        running = { model: id ?? '', file: '', received: 0, total: 0 }
        try {
          const ids = id === undefined ? [...store.list().map(({ entry }) => entry.id), ...store.broken().map(({ entry }) => entry.id)] : [id]
          const right = new Set<string>()
          for (const next of ids) results.push(...(await verifyModel(next, how, right)))
          return results
        } finally {
          running = null
        }
      }),
    runOldest: (maxAgeMs, how) =>
      inTurn(async () => {
        const due = store
          .list()
          .flatMap((model) => model.files.filter(({ sha256 }) => sha256 !== '').map((file) => ({ model, file, at: lastLookAt(file) })))
          .filter(({ file, at }) => now() - at > maxAgeMs && !reported.has(file.path))
          .sort((one, other) => one.at - other.at)[0]
        if (due === undefined) return false
        try {
          await verifyFile(due.model, due.file, how)
        } finally {
          running = null
        }
        return true
      }),
    status: () => ({ running, results })
  }
}
