import assert from 'node:assert/strict'
import { closeSync, ftruncateSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Fit, WeightsDescription } from '#contracts/weights.ts'
import { AppError } from '../../../server/errors.ts'
import { fitOf } from '../../../server/models/fit/fit.ts'
import { inspectWeights } from '../../../server/models/inspect/inspect.ts'
import { readWeights } from '../../../server/models/inspect/read-weights.ts'
import { buildGguf, smallGguf, u32, u64 } from '../../helpers/gguf.ts'
import { createRandom } from '../../helpers/random.ts'
import { buildSafetensors } from '../../helpers/safetensors.ts'
import { temporaryFolder } from '../fixtures.ts'

const memory = { total: 8 * 2 ** 30, available: 4 * 2 ** 30, gpus: [{ name: 'gpu', total: 2 ** 30, available: 2 ** 30 }] }
const extremes = [
  0n,
  1n,
  2n,
  255n,
  2n ** 15n,
  2n ** 16n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 48n,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 32n,
  2n ** 64n - 1n
]

/** A header with a value of every kind, so that every branch of the reader is near. */
const rich = buildGguf({
  fields: [
    ['general.architecture', { text: 'gemma3' }],
    ['general.name', { text: 'Rich' }],
    ['general.license', { text: 'apache-2.0' }],
    ['general.alignment', { u32: 32 }],
    ['general.file_type', { u32: 0 }],
    ['gemma3.block_count', { u32: 3 }],
    ['gemma3.context_length', { u32: 4096 }],
    ['gemma3.embedding_length', { u32: 32 }],
    ['gemma3.feed_forward_length', { i32s: [64, 64, 64] }],
    ['gemma3.attention.head_count', { u32: 4 }],
    ['gemma3.attention.head_count_kv', { i32s: [2, 2, 1] }],
    ['gemma3.attention.key_length', { u32: 8 }],
    ['gemma3.attention.value_length', { u32: 8 }],
    ['gemma3.attention.sliding_window', { u32: 512 }],
    ['gemma3.attention.sliding_window_pattern', { raw: Buffer.concat([u32(9), u32(7), u64(3n), Buffer.from([1, 1, 0])]) }],
    ['gemma3.rope.freq_base', { f32: 10_000 }],
    ['gemma3.some.long', { raw: Buffer.concat([u32(10), u64(7n)]) }],
    ['gemma3.some.double', { raw: Buffer.concat([u32(12), u64(7n)]) }],
    ['gemma3.pooling_type', { u32: 1 }],
    ['tokenizer.ggml.model', { text: 'llama' }],
    ['tokenizer.ggml.tokens', { texts: ['<s>', 'a', 'b', 'ab'] }],
    ['tokenizer.ggml.scores', { f32s: [0, -1, -2, -3] }],
    ['tokenizer.ggml.add_bos_token', { bool: true }],
    ['tokenizer.chat_template', { text: '<start_of_turn>{{ tools }}' }]
  ],
  tensors: [
    { name: 'token_embd.weight', dimensions: [32, 4] },
    { name: 'blk.0.attn_q.weight', dimensions: [32, 32] },
    { name: 'blk.1.ffn_up.weight', dimensions: [32, 8] },
    { name: 'blk.2.ffn_up_exps.weight', dimensions: [32, 4, 2] }
  ]
})

type Mutate = (bytes: Buffer, random: () => number) => Buffer
const below = (random: () => number, limit: number) => Math.floor(random() * limit)

const mutations: Record<string, Mutate> = {
  bits(bytes, random) {
    const changed = Buffer.from(bytes)
    for (let flips = 1 + below(random, 8); flips > 0; flips--) {
      const at = below(random, changed.length)
      changed[at] = (changed[at] ?? 0) ^ (1 << below(random, 8))
    }
    return changed
  },
  cut: (bytes, random) => Buffer.from(bytes.subarray(0, below(random, bytes.length))),
  length(bytes, random) {
    const changed = Buffer.from(bytes)
    changed.writeBigUInt64LE(extremes[below(random, extremes.length)] ?? 0n, below(random, changed.length - 8))
    return changed
  },
  /** A length or count where one stands: all of ours are small numbers in eight bytes. */
  count(bytes, random) {
    const changed = Buffer.from(bytes)
    const places: number[] = []
    for (let at = 4; at + 8 <= changed.length && at < 4096; at++) if (changed.readBigUInt64LE(at) < 4096n) places.push(at)
    changed.writeBigUInt64LE(extremes[below(random, extremes.length)] ?? 0n, places[below(random, places.length)] ?? 8)
    return changed
  },
  type(bytes, random) {
    const changed = Buffer.from(bytes)
    const places: number[] = []
    for (let at = 4; at + 4 <= changed.length && at < 4096; at++) if (changed.readUInt32LE(at) <= 12) places.push(at)
    changed.writeUInt32LE(below(random, 64), places[below(random, places.length)] ?? 8)
    return changed
  },
  removed(bytes, random) {
    const from = below(random, bytes.length)
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + 1 + below(random, 32))])
  },
  repeated(bytes, random) {
    const from = below(random, bytes.length)
    const to = Math.min(bytes.length, from + 1 + below(random, 64))
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)])
  },
  noise(bytes, random) {
    const changed = Buffer.from(bytes)
    const from = below(random, changed.length)
    for (let at = from; at < Math.min(changed.length, from + 1 + below(random, 32)); at++) changed[at] = below(random, 256)
    return changed
  }
}

/** The same files for the same seed; each answers to a name that says how it was made. */
function* mutated(bases: readonly Buffer[], count: number, seed: number): Generator<{ name: string; bytes: Buffer }> {
  const random = createRandom(seed)
  const kinds = Object.entries(mutations)
  for (let index = 0; index < count; index++) {
    const [kind, mutate] = kinds[index % kinds.length] as (typeof kinds)[number]
    let bytes = mutate(bases[below(random, bases.length)] as Buffer, random)
    // A third are spoilt twice.
    if (index % 3 === 0 && bytes.length > 16) bytes = (kinds[below(random, kinds.length)] as (typeof kinds)[number])[1](bytes, random)
    yield { name: `${kind} ${index}`, bytes }
  }
}

/** Every one must end as a description that keeps its promises, or as a refusal in words. */
function readAll(fileName: string, files: Iterable<{ name: string; bytes: Buffer }>): { described: number; refused: number } {
  using folder = temporaryFolder()
  const path = join(folder.path, fileName)
  const fd = openSync(path, 'w')
  const counts = { described: 0, refused: 0 }
  try {
    for (const { name, bytes } of files) {
      writeSync(fd, bytes, 0, bytes.length, 0)
      ftruncateSync(fd, bytes.length)
      try {
        const description = readWeights([{ name: fileName, path }])
        WeightsDescription.parse(description)
        Fit.parse(fitOf(description, {}, memory))
        counts.described++
      } catch (error) {
        assert.ok(error instanceof AppError && error.code === 'weights_corrupt', `${name}: ${(error as Error).stack}`)
        counts.refused++
      }
    }
  } finally {
    closeSync(fd)
  }
  return counts
}

const ggufs = (count: number, seed: number) => mutated([rich, buildGguf(smallGguf())], count, seed)
const safetensors = buildSafetensors({
  'model.embed_tokens.weight': { dtype: 'BF16', shape: [4, 8] },
  'lm_head.weight': { dtype: 'F32', shape: [4, 2] },
  'empty.weight': { dtype: 'F16', shape: [0] }
})

test('ten thousand spoilt GGUF files end in a description or a clear refusal', () => {
  assert.equal(readAll('some.gguf', [{ name: 'whole', bytes: rich }]).described, 1)
  const { described, refused } = readAll('some.gguf', ggufs(10_000, 20_261_124))
  assert.equal(described + refused, 10_000)
  // Harmless ones are among them: names and values may be anything. If all were refused, the reader would not have been tested far.
  assert.ok(described > 500 && refused > 5000, `${described} described, ${refused} refused`)
})

test('a thousand spoilt safetensors files end in a description or a clear refusal', () => {
  assert.equal(readAll('some.safetensors', [{ name: 'whole', bytes: safetensors }]).described, 1)
  const { described, refused } = readAll('some.safetensors', mutated([safetensors], 1000, 11))
  assert.equal(described + refused, 1000)
  assert.ok(described > 10 && refused > 500, `${described} described, ${refused} refused`)
})

test('the process that reads headers ends the same way on spoilt files, and this one goes on', async () => {
  using folder = temporaryFolder()
  const outcomes = { described: 0, refused: 0 }
  const inspect = async ({ name, bytes }: { name: string; bytes: Buffer }) => {
    const path = join(folder.path, `${name.replace(' ', '-')}.gguf`)
    writeFileSync(path, bytes)
    try {
      await inspectWeights(path)
      outcomes.described++
    } catch (error) {
      assert.ok(error instanceof AppError && error.code === 'weights_corrupt', `${name}: ${error}`)
      outcomes.refused++
    }
  }
  const files = [...ggufs(50, 7)]
  while (files.length > 0) await Promise.all(files.splice(0, 2).map(inspect))
  assert.equal(outcomes.described + outcomes.refused, 50)
})
