import { isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ModelFile } from '#contracts/model.ts'
import type { Policy } from '#contracts/policy.ts'
import { judge } from '../policy.ts'
import { folderSource, pathSource } from './folder.ts'
import { type HuggingFace, huggingFaceSource } from './hugging-face.ts'
import { mirrorSource } from './mirror.ts'
import { pythonPackageSource } from './python-package.ts'
import { refusedSource, type Source } from './source.ts'

/** Where weights may be looked for; `Config` has these fields. */
export type SourceSettings = {
  /** Folders and web addresses, asked before the catalogue's own sources. */
  mirrors: readonly string[]
  /** No connection leaves this machine and its LAN. */
  airGap: boolean
  huggingFace: HuggingFace
  /** Places it does not allow are not asked. */
  policy?: Policy
}

/** Every place that may have a file, in the order in which they are asked: mirrors first, then what the catalogue names. */
export function chooseSources(file: ModelFile, settings: SourceSettings): Source[] {
  return [
    ...settings.mirrors.map((mirror) => careful(mirror, settings, () => toMirror(mirror, settings))),
    ...file.sources.map((source) => careful(source, settings, () => toSource(source, settings)))
  ]
}

function toMirror(mirror: string, settings: SourceSettings): Source {
  if (/^https?:\/\//i.test(mirror)) return mirrorSource(mirror, settings)
  if (/^file:\/\//i.test(mirror)) return folderSource(fileURLToPath(mirror))
  if (/^[a-z0-9]+:\/\//i.test(mirror)) return refusedSource(withoutCredentials(mirror), 'is neither a folder nor an http(s) address')
  return folderSource(mirror)
}

function toSource(source: string, settings: SourceSettings): Source {
  const colon = source.indexOf(':')
  const kind = source.slice(0, colon)
  const reference = source.slice(colon + 1)
  if (kind === 'hf') return huggingFaceSource(reference, { ...settings.huggingFace, airGap: settings.airGap })
  if (kind === 'pip' && settings.airGap)
    return refusedSource(`pip ${reference}`, 'not asked: OUTPOST_AIR_GAP is on, and pip goes where it is told to')
  if (kind === 'pip') return pythonPackageSource(reference)
  if (kind === 'file' && isAbsolute(reference)) return pathSource(reference)
  throw new Error('is no known kind of source; there are hf:, pip: and file:/absolute/path')
}

/** A source that cannot be understood must not keep the others from being asked. */
function careful(text: string, { policy }: SourceSettings, make: () => Source): Source {
  const verdict = policy === undefined ? undefined : judge(policy, { sources: [text] })
  if (verdict?.allowed === false) return refusedSource(withoutCredentials(text), `not asked: the policy of this machine ${verdict.reason}`)
  try {
    return make()
  } catch (error) {
    return refusedSource(withoutCredentials(text), (error as Error).message)
  }
}

function withoutCredentials(address: string): string {
  return address.replace(/\/\/[^/@]*@/, '//')
}
