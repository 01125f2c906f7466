import type { Embed } from '../planning/planner.ts'

/** Vector of one text; undefined: there is no embedding model. Rejects with the signal's reason, or as `embed` does. */
export type EmbedText = (text: string, signal?: AbortSignal) => Promise<Float32Array | undefined>

/** `embed` for single texts; the last `limit` of them are remembered, and one that is being made is made once for all who ask. */
export function rememberEmbeddings(embed: Embed, model: () => string, limit = 2000): EmbedText {
  const known = new Map<string, Promise<Float32Array | undefined>>()

  return async (text, signal) => {
    signal?.throwIfAborted()
    const key = `${model()}\n${text}`
    // Without the signal: others may wait for the same vector, and it takes milliseconds.
    const vector = known.get(key) ?? embed([text]).then((vectors) => vectors?.[0])
    known.delete(key)
    known.set(key, vector)
    if (known.size > limit) known.delete(known.keys().next().value ?? key)
    try {
      const made = await vector
      if (made === undefined) known.delete(key)
      signal?.throwIfAborted()
      return made
    } catch (error) {
      if (known.get(key) === vector && signal?.aborted !== true) known.delete(key)
      throw error
    }
  }
}
