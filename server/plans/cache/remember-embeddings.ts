import type { Embed } from '../planning/planner.ts'

/** Vector of one text; undefined: there is none. Rejects with the signal's reason, or as `embed` does. */
export type EmbedText = (text: string, signal?: AbortSignal) => Promise<Float32Array | undefined>

/** `embed` for single texts; the last `limit` of them are remembered, and one that is being made is made once for all who ask. */
export function rememberEmbeddings(embed: Embed, model: () => string, limit = 2000): EmbedText {
  const known = new Map<string, Promise<Float32Array | undefined>>()

  function make(key: string, text: string): Promise<Float32Array | undefined> {
    // Without a signal: others may wait for the same vector, and it takes milliseconds.
    const vector = embed([text]).then((vectors) => vectors?.[0])
    const forget = () => void (known.get(key) === vector && known.delete(key))
    vector.then((made) => made === undefined && forget(), forget)
    return vector
  }

  return async (text, signal) => {
    signal?.throwIfAborted()
    const key = `${model()}\n${text}`
    const vector = known.get(key) ?? make(key, text)
    // Taken out and put in again: the order of a Map is then that of use.
    known.delete(key)
    known.set(key, vector)
    if (known.size > limit) known.delete(known.keys().next().value ?? key)
    const made = await vector
    signal?.throwIfAborted()
    return made
  }
}
