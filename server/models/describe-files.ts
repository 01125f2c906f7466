import type { PinnedEntry, PinnedFile } from '#contracts/model.ts'
import { inspectGguf } from './inspect.ts'

/**
 * Holds what was pulled against its own header: a GGUF file that lies is refused (`weights_corrupt`). Where a user named a place and nobody described
 * the model, the header says what it is.
 */
export function describeFiles(entry: PinnedEntry, pathOf: (file: PinnedFile) => string): PinnedEntry {
  const first = entry.files.find(({ name }) => /\.gguf$/i.test(name))
  if (first === undefined) return entry
  // Of a split model only the first part describes it; the others hold nothing but tensors.
  const found = inspectGguf(pathOf(first))
  if (entry.reference === undefined) return entry
  return {
    ...entry,
    kind: found.isEmbedding ? 'embedding' : 'chat',
    licence: entry.licence === 'NOASSERTION' ? (found.licence ?? entry.licence) : entry.licence,
    ...(entry.parameters === undefined && found.parameters > 0 && entry.files.length === 1 ? { parameters: found.parameters } : {}),
    contextWindow: found.contextLength,
    ...(found.isEmbedding ? { dimensions: found.embeddingLength } : {}),
    factsFrom: { ...entry.factsFrom, contextWindow: `the header of ${first.name}` }
  }
}
