import { z } from 'zod'
import { ErrorCode } from './error.ts'
import { PinnedEntry } from './model.ts'

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits')
/** Control characters would let a bundle write into the terminal of who looks at it. */
const Line = z
  .string()
  .max(1000)
  .regex(/^[^\p{Cc}]*$/u, 'a text without control characters')

/**
 * `weights`: a file of a model. `licence`: the text of a licence. `app`: something that belongs to Outpost itself, an installer;
 * it is checked like the others, and stays in the bundle.
 */
export const BundleFileKind = z.enum(['weights', 'licence', 'app'])
export type BundleFileKind = z.infer<typeof BundleFileKind>

/** One file in a bundle. `root` is the root of the hash tree over its checkpoints (docs/bundles.md). */
export const BundleFile = z.strictObject({
  kind: BundleFileKind,
  name: z
    .string()
    .max(100)
    .regex(/^[A-Za-z0-9_][\w.+-]*$/, 'a plain file name'),
  size: z.int().positive(),
  sha256: Sha256,
  root: Sha256
})
export type BundleFile = z.infer<typeof BundleFile>

/** What a model may be used for: SPDX id, address, and the name of the file of kind `licence` that holds the text, where there is one. */
export const BundleLicence = z.strictObject({ id: Line, url: Line.optional(), file: z.string().optional() })
export type BundleLicence = z.infer<typeof BundleLicence>

/** What a bundle says of itself; its canonical JSON is what is signed. */
export const BundleManifest = z.strictObject({
  format: z.literal('outpost-bundle'),
  version: z.literal(1),
  /** Tells this bundle from others. */
  id: z.string().regex(/^[0-9a-f]{32}$/),
  created: z.iso.datetime(),
  creator: Line,
  /** Fingerprint of the key that signed it; null: nobody did. */
  signer: Sha256.nullable(),
  chunkSize: z
    .int()
    .min(4096)
    .max(64 * 1024 * 1024),
  /** Null: one file. Else all but the last part have `size` bytes; `probes` are the sha256 of the first 4096 bytes of part 2, 3, … */
  parts: z.strictObject({ size: z.int().min(4096), probes: z.array(Sha256).min(1).max(998) }).nullable(),
  models: z.array(PinnedEntry).min(1).max(256),
  licences: z.array(BundleLicence).max(256),
  files: z.array(BundleFile).min(1).max(4096)
})
export type BundleManifest = z.infer<typeof BundleManifest>

/** Somebody whose bundles are taken in without asking. */
export const TrustedSigner = z.object({
  fingerprint: Sha256,
  name: z.string().nullable(),
  addedAt: z.iso.datetime(),
  /** User of the machine, and by which command. */
  addedBy: z.string()
})
export type TrustedSigner = z.infer<typeof TrustedSigner>

/** A bundle on the server's machine: the file, one of its parts, or a folder with one bundle. */
export const BundlePath = z.object({ path: z.string().min(1).max(4096) })
export type BundlePath = z.infer<typeof BundlePath>

/** `trust`: fingerprints that are trusted from now on, if the bundle is signed by one of them. */
export const BundleImportOrder = BundlePath.extend({ trust: z.array(Sha256).max(64).default([]), allowUnsigned: z.boolean().default(false) })
export type BundleImportOrder = z.infer<typeof BundleImportOrder>

/** What a bundle holds and who signed it; its signature and structure are right, its files were not read. */
export const BundleDescription = z.object({
  manifest: BundleManifest,
  parts: z.array(z.object({ name: z.string(), size: z.int() })),
  bytes: z.int(),
  trusted: TrustedSigner.nullable()
})
export type BundleDescription = z.infer<typeof BundleDescription>

/** Bytes of weights, checked so far and in all. `models` are those that are here when it is done. Times are Unix milliseconds. */
export const BundleImportStatus = z.object({
  path: z.string(),
  state: z.enum(['running', 'done', 'failed']),
  file: z.string().nullable(),
  received: z.int(),
  total: z.int(),
  models: z.array(z.string()),
  signer: Sha256.nullable(),
  error: z.object({ code: ErrorCode, message: z.string() }).nullable(),
  startedAt: z.int(),
  endedAt: z.int().nullable()
})
export type BundleImportStatus = z.infer<typeof BundleImportStatus>
