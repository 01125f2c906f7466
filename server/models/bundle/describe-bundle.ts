import type { BundleDescription } from '#contracts/bundle.ts'
import type { Bundle } from './open-bundle.ts'
import type { TrustedSigners } from './trusted-signers.ts'

/** What an open bundle holds, and who signed it. */
export function describeBundle({ manifest, parts }: Bundle, signers: TrustedSigners): BundleDescription {
  return {
    manifest,
    parts: parts.names.map((name, i) => ({ name, size: parts.sizes[i] ?? 0 })),
    bytes: parts.length,
    trusted: signers.list().find(({ fingerprint }) => fingerprint === manifest.signer) ?? null
  }
}
