import { createHash } from 'node:crypto'
import type { Database } from './database.ts'

/** Vectors of texts that are compared again and again, kept by model and hash of the text. */
export type TextVectorStore = {
  /** `at`: Unix milliseconds; what is asked for stays. */
  find(model: string, text: string, at: number): Float32Array | undefined
  /** What was not asked for in 30 days goes. */
  put(model: string, vectors: { text: string; vector: Float32Array }[], at: number): void
}

const oneDay = 24 * 60 * 60 * 1000

export function createTextVectorStore(db: Database): TextVectorStore {
  const read = db.prepare<[string, Buffer], { vector: Buffer; used_at: number }>(
    'SELECT vector, used_at FROM text_vectors WHERE model = ? AND digest = ?'
  )
  const use = db.prepare('UPDATE text_vectors SET used_at = ? WHERE model = ? AND digest = ?')
  const write = db.prepare('INSERT OR REPLACE INTO text_vectors (model, digest, vector, used_at) VALUES (?, ?, ?, ?)')
  const forget = db.prepare('DELETE FROM text_vectors WHERE used_at < ?')
  const put = db.transaction((model: string, vectors: { text: string; vector: Float32Array }[], at: number) => {
    forget.run(at - 30 * oneDay)
    for (const { text, vector } of vectors) {
      write.run(model, digestOf(text), Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength), at)
    }
  })

  return {
    find: (model, text, at) => {
      const row = read.get(model, digestOf(text))
      if (row === undefined) return undefined
      // Once a day is enough to know that it is used; a write for each look would cost more than the look.
      if (at - row.used_at > oneDay) use.run(at, model, digestOf(text))
      return new Float32Array(new Uint8Array(row.vector).buffer)
    },
    put
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
