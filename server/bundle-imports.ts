import type { BundleDescription, BundleImportOrder, BundleImportStatus, TrustedSigner } from '#contracts/bundle.ts'
import type { PinnedEntry } from '#contracts/model.ts'
import { AppError, toAppError } from './errors.ts'
import type { Log } from './log.ts'
import { describeBundle } from './models/bundle/describe-bundle.ts'
import { importBundle } from './models/bundle/import-bundle.ts'
import { openBundle } from './models/bundle/open-bundle.ts'
import type { TrustedSigners } from './models/bundle/trusted-signers.ts'
import type { ModelStore } from './models/store/store.ts'

/** Bundles that a running server takes in. What is not whole yet is gone on with by the next import, of whatever process. */
export type BundleImports = {
  /** What a bundle on the server's machine holds and who signed it. Throws `bundle_invalid`. */
  inspect(path: string): Promise<BundleDescription>
  /** Resolves when it is under way, or throws at once what speaks against it: `bundle_invalid`, `bundle_untrusted`, `policy_denied`, `conflict`. */
  start(order: BundleImportOrder, by: string): Promise<BundleImportStatus>
  /** Of the last import; null: there was none since the start. */
  status(): BundleImportStatus | null
  signers(): TrustedSigner[]
}

export function createBundleImports(options: {
  store: ModelStore
  signers: TrustedSigners
  /** Throws what speaks against a model. */
  allow: (entry: PinnedEntry, signer: string | null) => void
  /** Models have come. */
  onImported: () => void
  signal: AbortSignal
  log: Log
}): BundleImports {
  const { store, signers, log } = options
  let last: BundleImportStatus | null = null
  const isRunning = () => last?.state === 'running'

  async function inspect(path: string): Promise<BundleDescription> {
    await using bundle = await openBundle(path)
    return describeBundle(bundle, signers)
  }

  return {
    inspect,
    async start({ path, trust, allowUnsigned }, by) {
      const { manifest } = await inspect(path)
      if (isRunning()) throw new AppError('conflict', `${last?.path} is being imported: wait for its end (GET /outpost/bundles/import)`)
      const total = manifest.files.reduce((sum, file) => sum + (file.kind === 'weights' ? file.size : 0), 0)
      const received = new Map<string, number>()
      const begun: BundleImportStatus = {
        path,
        state: 'running',
        file: null,
        received: 0,
        total,
        models: [],
        signer: manifest.signer,
        error: null,
        startedAt: Date.now(),
        endedAt: null
      }
      last = begun
      const update = (change: Partial<BundleImportStatus>) => void Object.assign(begun, change)
      /** Everything that can speak against it has been looked at when the first byte comes. */
      const underWay = Promise.withResolvers<void>()
      const work = importBundle({
        path,
        store,
        signers,
        trust,
        allowUnsigned,
        allow: options.allow,
        by,
        signal: options.signal,
        onProgress(progress) {
          received.set(progress.file, progress.received)
          update({ file: progress.file, received: [...received.values()].reduce((sum, bytes) => sum + bytes, 0) })
          underWay.resolve()
        },
        log
      }).then(
        ({ models }) => {
          update({ state: 'done', file: null, received: total, models: models.map(({ entry }) => entry.id), endedAt: Date.now() })
          options.onImported()
        },
        (reason: unknown) => {
          const error = toAppError(reason)
          update({ state: 'failed', error: { code: error.code, message: error.message }, endedAt: Date.now() })
          log.warn({ path, code: error.code, reason: error.message }, 'bundle not imported')
          throw error
        }
      )
      // Once it is under way its fate is seen in `status`.
      work.catch(() => {})
      await Promise.race([work, underWay.promise])
      return begun
    },
    status: () => last,
    signers: () => signers.list()
  }
}
