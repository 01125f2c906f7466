import { mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { TrustedSigner } from '#contracts/bundle.ts'
import { AppError } from '../../errors.ts'
import { takeFileLock } from '../file-lock.ts'
import { writeWhole } from '../write-whole.ts'

/** Whose bundles are taken in. A file of the home folder, so that the command line and a running server see the same. */
export type TrustedSigners = {
  list(): TrustedSigner[]
  isTrusted(fingerprint: string): boolean
  /** Who is trusted already keeps who added them and when; a name is taken over. */
  add(signer: { fingerprint: string; name: string | null; by: string }): Promise<TrustedSigner>
  /** False: was not trusted. */
  remove(fingerprint: string): Promise<boolean>
}

const SignersFile = z.object({ signers: z.array(TrustedSigner) })

/** Those of a home folder. */
export function signersOfHome(home: string): TrustedSigners {
  return openTrustedSigners(join(home, 'trusted-signers.json'))
}

/** Read anew each time: another process may have changed it. Throws `AppError('invalid_request')` naming a file that cannot be used, because to pass over it would be to trust nobody in silence. */
export function openTrustedSigners(file: string, now: () => Date = () => new Date()): TrustedSigners {
  function list(): TrustedSigner[] {
    try {
      return SignersFile.parse(JSON.parse(readFileSync(file, 'utf8'))).signers
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw new AppError('invalid_request', `${file} cannot be used: ${(error as Error).message}. Correct it, or remove it and trust anew.`, {
        cause: error
      })
    }
  }
  async function change<Result>(decide: (signers: TrustedSigner[]) => { signers: TrustedSigner[]; result: Result }): Promise<Result> {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    using _lock = await takeFileLock(`${file}.lock`, new AbortController().signal)
    const { signers, result } = decide(list())
    writeWhole(file, `${JSON.stringify({ signers }, null, 2)}\n`, { flush: true })
    return result
  }
  return {
    list,
    isTrusted: (fingerprint) => list().some((signer) => signer.fingerprint === fingerprint),
    add: ({ fingerprint, name, by }) =>
      change((signers) => {
        const known = signers.find((signer) => signer.fingerprint === fingerprint)
        const signer = known === undefined ? { fingerprint, name, addedAt: now().toISOString(), addedBy: by } : { ...known, name: name ?? known.name }
        return { signers: [...signers.filter((other) => other !== known), signer], result: signer }
      }),
    remove: (fingerprint) =>
      change((signers) => {
        const left = signers.filter((signer) => signer.fingerprint !== fingerprint)
        return { signers: left, result: left.length < signers.length }
      })
  }
}
