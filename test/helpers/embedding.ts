import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { loadLlamaEngine } from '../../server/engines/llama/llama-engine.ts'
import { createLog } from '../../server/log.ts'
import type { Embed } from '../../server/plans/planning/planner.ts'
import { type Ending, onEnd } from './on-end.ts'
import { embeddingWeights } from './weights.ts'

/** The default embedding model in this process, closed when the test ends; undefined where no place has its weights. */
export async function realEmbed(t: Ending): Promise<Embed | undefined> {
  const path = await embeddingWeights()
  if (path === undefined) return undefined
  const engine = await loadLlamaEngine({ modelId: 'embedding', path, kind: 'embedding', threads: 1, gpu: false, log: createLog({ level: 'error' }) })
  onEnd(t, () => engine[Symbol.asyncDispose]())
  return async (texts, signal = new AbortController().signal) => {
    const vectors: Float32Array[] = []
    for await (const event of engine.embed?.({ model: 'embedding', input: texts }, signal) ?? []) {
      if (event.type === 'embedding') vectors[event.index] = new Float32Array(new Uint8Array(Buffer.from(event.vector, 'base64')).buffer)
    }
    return vectors
  }
}

/** A test with the default embedding model. Where this machine has no weights of it there is none, and `npm test` says so. */
export async function testWithRealEmbed(title: string, body: (t: TestContext, embed: Embed) => Promise<void>): Promise<void> {
  if ((await embeddingWeights()) === undefined) return
  test(title, async (t) => body(t, (await realEmbed(t)) ?? assert.fail('the weights were here a moment ago')))
}

/** Vectors from words alone: the same words, whatever their order, give the same vector; each word more or less moves it. No model. */
export function wordEmbed(length = 64): Embed & { texts: string[] } {
  const texts: string[] = []
  const embed: Embed = async (asked) => {
    texts.push(...asked)
    return asked.map((text) => {
      const vector = new Float32Array(length)
      for (const word of text.toLowerCase().match(/[\p{L}\p{N}{}]+/gu) ?? []) {
        const bytes = createHash('sha512').update(word).digest()
        for (let index = 0; index < length; index++) vector[index] = (vector[index] ?? 0) + bytes.readInt8(index % bytes.length) / 128
      }
      const norm = Math.hypot(...vector)
      return vector.map((value) => (norm === 0 ? 0 : value / norm))
    })
  }
  return Object.assign(embed, { texts })
}
