import type { PinnedEntry, PinnedFile } from '#contracts/model.ts'
import type { WeightsDescription } from '#contracts/weights.ts'
import { type InspectOptions, inspectWeights, refusePickles } from './inspect.ts'
import type { WeightsFile } from './read-weights.ts'

/** What looks at pictures for a model lies beside it as a GGUF file of its own. */
const projector = /^mmproj.*\.gguf$|[-.]mmproj[-.].*\.gguf$/i
const weights = /\.(gguf|safetensors)$/i

/** What the files of a model say of it; undefined where none of them is of a format that says anything. Throws `weights_corrupt`. */
export async function inspectModelFiles(files: readonly WeightsFile[], options: InspectOptions = {}): Promise<WeightsDescription | undefined> {
  refusePickles(files)
  for (const file of files) if (projector.test(file.name)) await inspectWeights([file], options)
  const model = files.filter(({ name }) => !projector.test(name))
  return model.some(({ name }) => weights.test(name)) ? await inspectWeights(model, options) : undefined
}

/**
 * Holds what was pulled against its own headers: a file that lies is refused (`weights_corrupt`). Where a user named a place and nobody described the
 * model, its headers say what it is.
 */
export async function describeFiles(entry: PinnedEntry, pathOf: (file: PinnedFile) => string, signal: AbortSignal): Promise<PinnedEntry> {
  const found = await inspectModelFiles(
    entry.files.map((file) => ({ name: file.name, path: pathOf(file) })),
    { signal }
  )
  if (found === undefined || entry.reference === undefined) return entry
  return {
    ...entry,
    kind: found.isEmbedding ? 'embedding' : 'chat',
    licence: entry.licence === 'NOASSERTION' ? (found.licence ?? entry.licence) : entry.licence,
    ...(entry.parameters === undefined && found.parameters > 0 ? { parameters: found.parameters } : {}),
    ...(found.contextLength === null ? {} : { contextWindow: found.contextLength }),
    ...(found.isEmbedding && found.embeddingLength !== null ? { dimensions: found.embeddingLength } : {}),
    factsFrom: { ...entry.factsFrom, contextWindow: 'the headers of its files' }
  }
}
