import { isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ModelFile } from '#contracts/model.ts'
import type { Policy } from '#contracts/policy.ts'
import { publicHub } from '../../config.ts'
import { judge } from '../policy.ts'
import { folderSource, pathSource } from './folder.ts'
import type { NetworkRules } from './http-download.ts'
import { type HuggingFace, huggingFaceSource } from './hugging-face.ts'
import { huggingFaceCacheSource } from './hugging-face-cache.ts'
import { mirrorSource, webFileSource } from './mirror.ts'
import { pythonPackageSource } from './python-package.ts'
import { type S3Settings, s3FileSource, s3FolderSource } from './s3.ts'
import { refusedSource, type Source } from './source.ts'

/** Where weights may be looked for; `Config` has these fields. */
export type SourceSettings = {
  /** Folders and addresses, asked before the catalogue's own sources. */
  mirrors: readonly string[]
  /** No connection leaves this machine and its LAN. */
  airGap: boolean
  huggingFace: HuggingFace
  s3?: S3Settings
  /** Places it does not allow are not asked. */
  policy?: Policy
}

/** Every place that may have a file, in the order in which they are asked: mirrors first, then what the catalogue names. */
export function chooseSources(file: ModelFile, settings: SourceSettings): Source[] {
  return [
    ...settings.mirrors.flatMap((mirror) => careful(mirror, settings, () => toMirrors(mirror, settings))),
    ...file.sources.flatMap((source) => careful(source, settings, () => toSources(source, settings)))
  ]
}

/** What the owner named by himself may lie anywhere. */
export function networkRules({ airGap, mirrors, huggingFace, s3 }: SourceSettings): NetworkRules {
  const named = [...mirrors, huggingFace.endpoint, s3?.endpoint ?? ''].flatMap((place) => (URL.canParse(place) ? new URL(place).host : []))
  return { airGap, trustedHosts: named.filter((host) => host !== '') }
}

function toMirrors(mirror: string, settings: SourceSettings): Source[] {
  const rules = networkRules(settings)
  if (/^https?:\/\//i.test(mirror)) return [mirrorSource(mirror, rules)]
  if (/^s3:\/\//i.test(mirror)) return [s3FolderSource(mirror, settings.s3 ?? {}, rules)]
  if (/^file:\/\//i.test(mirror)) return [folderSource(fileURLToPath(mirror))]
  if (/^[a-z0-9]+:\/\//i.test(mirror)) return [refusedSource(withoutCredentials(mirror), 'is neither a folder nor an http(s) or s3 address')]
  return [folderSource(mirror)]
}

function toSources(source: string, settings: SourceSettings): Source[] {
  const rules = networkRules(settings)
  const colon = source.indexOf(':')
  const kind = source.slice(0, colon)
  const reference = source.slice(colon + 1)
  if (kind === 'hf') {
    const { cache } = settings.huggingFace
    const isAway = settings.airGap && settings.huggingFace.endpoint === publicHub
    // Not even its name is asked for.
    const hub = isAway
      ? refusedSource(`Hugging Face ${reference}`, 'not asked: OUTPOST_AIR_GAP is on')
      : huggingFaceSource(reference, { ...settings.huggingFace, rules })
    return cache === undefined ? [hub] : [huggingFaceCacheSource(reference, cache), hub]
  }
  if (kind === 'https' || kind === 'http') return [webFileSource(source, rules)]
  if (kind === 's3') return [s3FileSource(source, settings.s3 ?? {}, rules)]
  if (kind === 'pip' && settings.airGap)
    return [refusedSource(`pip ${reference}`, 'not asked: OUTPOST_AIR_GAP is on, and pip goes where it is told to')]
  if (kind === 'pip') return [pythonPackageSource(reference)]
  if (kind === 'file' && isAbsolute(reference)) return [pathSource(reference)]
  throw new Error('is no known kind of source; there are hf:, pip:, https:, s3: and file:/absolute/path')
}

/** A source that cannot be understood must not keep the others from being asked. */
function careful(text: string, { policy }: SourceSettings, make: () => Source[]): Source[] {
  const verdict = policy === undefined ? undefined : judge(policy, { sources: [text] })
  if (verdict?.allowed === false) return [refusedSource(withoutCredentials(text), `not asked: the policy of this machine ${verdict.reason}`)]
  try {
    return make()
  } catch (error) {
    return [refusedSource(withoutCredentials(text), (error as Error).message)]
  }
}

function withoutCredentials(address: string): string {
  return address.replace(/\/\/[^/@]*@/, '//')
}
