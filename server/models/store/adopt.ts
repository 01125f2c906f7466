import { existsSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { PinnedEntry } from '#contracts/model.ts'
import type { WeightsDescription } from '#contracts/weights.ts'
import { AppError } from '../../errors.ts'
import { unknownWindow } from '../fit/fit.ts'
import type { WeightsFile } from '../inspect/read-weights.ts'
import { toId } from '../model-id.ts'
import { parsePartName, partNames } from '../split-name.ts'
import { isUnchanged, printOf } from './file-print.ts'
import type { AdoptedFile, Manifest } from './manifests.ts'

/** Looks into the files of a model before they are used; throws `weights_corrupt`. */
export type Inspect = (files: readonly WeightsFile[]) => Promise<WeightsDescription>

/**
 * The manifest of a GGUF file (all parts of a split one) that is used where it lies. Its header is checked, its bytes have no hash to be held against.
 * `known`: what was adopted before under the same id, which is not looked into again while it is unchanged.
 * Throws `weights_unavailable`, `weights_corrupt`, `conflict` when it changed meanwhile.
 */
export async function describeAdopted(path: string, id: string, known: Manifest | undefined, inspect: Inspect): Promise<Manifest> {
  const paths = partsOf(resolve(path))
  const before = paths.map(requirePrint)
  if (known?.adopted !== undefined && known.adopted.length === paths.length && known.adopted.every((file, i) => isSame(file, before[i]))) return known
  const found = await inspect(paths.map((part) => ({ name: basename(part), path: part })))
  const changed = before.find((file) => !isUnchanged(printOf(file.path), file))
  if (changed !== undefined) throw new AppError('conflict', `${changed.path} changed while it was being read. Try again when nothing writes to it.`)
  const entry: PinnedEntry = {
    id,
    aliases: [],
    name: found.name ?? id,
    description: `Used in place: ${paths[0]}`,
    kind: found.isEmbedding ? 'embedding' : 'chat',
    engine: 'llama',
    licence: found.licence ?? 'NOASSERTION',
    ...(found.parameters > 0 ? { parameters: found.parameters } : {}),
    contextWindow: found.contextLength ?? unknownWindow,
    ...(found.isEmbedding && found.embeddingLength !== null ? { dimensions: found.embeddingLength } : {}),
    files: []
  }
  return { entry, adopted: before, origin: { sources: paths.map((part) => `file:${part}`) } }
}

/** `model-00001-of-00003.gguf` → all three, in order. Throws `weights_unavailable` when one is missing. */
export function partsOf(path: string): string[] {
  const part = parsePartName(basename(path))
  if (part === undefined) return [path]
  const parts = partNames(part).map((name) => join(dirname(path), name))
  const missing = parts.find((part) => !existsSync(part))
  if (missing === undefined && parts.length > 0) return parts
  throw new AppError('weights_unavailable', `${path} is one part of a split model, and ${missing ?? 'its first part'} is not there.`)
}

/** Whether it is a part of a split file, and not the first. */
export function isLaterPart(path: string): boolean {
  return (parsePartName(basename(path))?.number ?? 1) > 1
}

/** `Qwen3 4B.Q4_K_M.gguf` → `qwen3-4b.q4_k_m` */
export function toModelId(fileName: string): string {
  return toId((parsePartName(fileName)?.stem ?? fileName).replace(/\.gguf$/i, ''))
}

function requirePrint(path: string): AdoptedFile {
  const print = printOf(path)
  if (print !== undefined) return { path, ...print }
  throw new AppError('weights_unavailable', `${path} cannot be opened: ${whyNot(path)}`)
}

function whyNot(path: string): string {
  try {
    statSync(path)
    return 'it is not a file'
  } catch (error) {
    return (error as Error).message
  }
}

function isSame(file: AdoptedFile, now: AdoptedFile | undefined): boolean {
  return file.path === now?.path && isUnchanged(printOf(file.path), file) && file.modifiedAt !== undefined
}
