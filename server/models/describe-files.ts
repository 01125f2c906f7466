import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { PinnedEntry, PinnedFile } from '#contracts/model.ts'
import { inspectGguf } from './inspect.ts'

/**
 * Holds what was pulled against its own header: a GGUF file that lies is refused (`weights_corrupt`). Where a user named a place and nobody described
 * the model, the header says what it is.
 */
export function describeFiles(entry: PinnedEntry, pathOf: (file: PinnedFile) => string): PinnedEntry {
  const first = entry.files.find(({ name }) => /\.gguf$/i.test(name))
  if (first === undefined) return entry.reference === undefined ? entry : describeFolder(entry, pathOf)
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

const ModelConfig = z.looseObject({
  max_position_embeddings: z.int().positive().optional(),
  text_config: z.looseObject({ max_position_embeddings: z.int().positive().optional() }).optional()
})
const largestConfig = 1024 * 1024

/** The `config.json` beside safetensors, as far as it can be understood. */
function describeFolder(entry: PinnedEntry, pathOf: (file: PinnedFile) => string): PinnedEntry {
  const file = entry.files.find(({ name, size }) => name === 'config.json' && size <= largestConfig)
  if (file === undefined) return entry
  let content: unknown
  try {
    content = JSON.parse(readFileSync(pathOf(file), 'utf8'))
  } catch {
    // Whoever loads it will say so in better words.
    return entry
  }
  const { data } = ModelConfig.safeParse(content)
  const contextWindow = data?.max_position_embeddings ?? data?.text_config?.max_position_embeddings
  return contextWindow === undefined ? entry : { ...entry, contextWindow, factsFrom: { ...entry.factsFrom, contextWindow: 'its config.json' } }
}
