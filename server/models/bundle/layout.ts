import type { BundleFile, BundleManifest } from '#contracts/bundle.ts'
import { chunkCount } from './hash-tree.ts'
import { blockSize, endLength, padded } from './tar-header.ts'

export const manifestName = 'manifest.json'
export const signatureName = 'manifest.sig'
export const signerName = 'signer.pem'
export const checkpointsName = 'checkpoints.txt'

/** An Ed25519 signature, and the PEM text of an Ed25519 public key. Bytes. */
export const signatureLength = 64
export const signerLength = 113
/** 64 hexadecimal digits and a line end. */
export const checkpointLength = 65
/** Hashed of each part from the second on, to tell whether it is the one that belongs there. */
export const probeLength = 4096

/** Where a file lies in the bundle: its header at `start`, its bytes at `body`. */
export type Slot = { name: string; size: number; start: number; body: number }

export type Layout = {
  /** Manifest, signature and signer where it is signed, checkpoints. */
  head: Slot[]
  /** In the order of `manifest.files`. */
  files: (Slot & { file: BundleFile })[]
  /** Where the head ends. */
  headLength: number
  /** Of the whole bundle. */
  length: number
  /** Sizes of the parts; one where it is not split. */
  parts: number[]
}

/** A bundle is a function of its manifest: every place and every header follows from it. */
export function toLayout(manifest: BundleManifest, manifestLength: number): Layout {
  let at = 0
  const place = (name: string, size: number): Slot => {
    const slot = { name, size, start: at, body: at + blockSize }
    at = slot.body + padded(size)
    return slot
  }
  const head = [place(manifestName, manifestLength)]
  if (manifest.signer !== null) head.push(place(signatureName, signatureLength), place(signerName, signerLength))
  head.push(place(checkpointsName, checkpointsLength(manifest)))
  const headLength = at
  const files = manifest.files.map((file) => ({ ...place(pathOf(file), file.size), file }))
  const length = at + endLength
  return { head, files, headLength, length, parts: partSizes(length, manifest.parts?.size) }
}

export function checkpointsLength({ files, chunkSize }: Pick<BundleManifest, 'files' | 'chunkSize'>): number {
  return files.reduce((sum, file) => sum + chunkCount(file.size, chunkSize) * checkpointLength, 0)
}

export function partSizes(length: number, partSize = length): number[] {
  return Array.from({ length: Math.ceil(length / partSize) }, (_, i) => Math.min(partSize, length - i * partSize))
}

/** Its name inside the bundle, as `tar` shows it. */
export function pathOf(file: BundleFile): string {
  if (file.kind === 'weights') return `weights/sha256-${file.sha256}`
  return file.kind === 'licence' ? `licences/${file.name}` : `app/${file.name}`
}
