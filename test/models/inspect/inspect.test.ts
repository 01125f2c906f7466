import assert from 'node:assert/strict'
import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AppError } from '../../../server/errors.ts'
import { readWeights } from '../../../server/models/inspect/read-weights.ts'
import { buildGguf, type GgufSpec, smallGguf, text, tinyGguf, u32, u64 } from '../../helpers/gguf.ts'
import { chatWeights, embeddingWeights } from '../../helpers/weights.ts'
import { temporaryFolder } from '../fixtures.ts'

function inspectBytes(bytes: Buffer, options: { sparseSize?: number } = {}) {
  using folder = temporaryFolder()
  const path = join(folder.path, 'some.gguf')
  writeFileSync(path, bytes)
  if (options.sparseSize !== undefined) {
    const fd = openSync(path, 'r+')
    ftruncateSync(fd, options.sparseSize)
    closeSync(fd)
  }
  return readWeights([{ name: 'some.gguf', path }])
}

const inspectGguf = (path: string) => readWeights([{ name: 'some.gguf', path }])

const inspectSpec = (change: Partial<GgufSpec>) => inspectBytes(buildGguf(smallGguf(change)))

function assertCorrupt(run: () => unknown, message: RegExp): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof AppError, String(error))
    assert.equal(error.code, 'weights_corrupt')
    assert.match(error.message, message)
    return true
  })
}

const fields = smallGguf().fields

test('the default chat model is described from its header', async () => {
  const { shape, ...rest } = inspectGguf(await chatWeights())
  assert.deepEqual(rest, {
    format: 'gguf',
    files: [{ name: 'some.gguf', size: 98_362_432 }],
    architecture: 'llama',
    name: 'Smollm2 135M 8k Lc100K Mix1 Ep2',
    licence: 'apache-2.0',
    contextLength: 8192,
    embeddingLength: 576,
    parameters: 134_515_008,
    quantisation: 'Q4_1',
    isEmbedding: false,
    pooling: null,
    template: { kind: 'chatml', hasTools: false, hasReasoning: false },
    tokenizer: { kind: 'gpt2', tokens: 49_152 },
    tensorCount: 272,
    tensorBytes: 96_576_768
  })
  assert.deepEqual(shape?.layers[29], { bytes: 2_216_448, keys: 192, values: 192, isWindowed: false, state: 0 })
  assert.deepEqual(
    { ...shape, layers: shape?.layers.length },
    {
      vocabulary: 49_152,
      embedding: 576,
      feed: 3 * 1536,
      heads: 9,
      query: 576,
      keys: 192,
      values: 192,
      window: 0,
      hasFlashAttention: true,
      isLatent: false,
      isEncoder: false,
      isRough: false,
      layers: 30,
      embeddingBytes: 30_081_024,
      outputBytes: 0,
      otherBytes: 2304,
      matrixBytes: { Q4_1: 66_355_200 }
    }
  )
})

test('the default embedding model, where a mirror has it, is seen as one', async () => {
  const path = await embeddingWeights()
  if (path === undefined) return
  const { pooling, isEmbedding, contextLength, embeddingLength, quantisation } = inspectGguf(path)
  assert.deepEqual(
    { pooling, isEmbedding, contextLength, embeddingLength, quantisation },
    { pooling: 'mean', isEmbedding: true, contextLength: 512, embeddingLength: 384, quantisation: 'Q8_0' }
  )
})

test('a tiny model made by hand passes', () => {
  using folder = temporaryFolder()
  const description = inspectGguf(tinyGguf(join(folder.path, 'tiny.gguf')))
  assert.equal(description.architecture, 'llama')
  assert.equal(description.quantisation, 'F32')
})

test('a file cut at any place is said to be truncated, with what it needs and what it has', () => {
  const whole = buildGguf(smallGguf())
  assert.equal(inspectBytes(whole).tensorCount, 2)
  for (let size = 24; size < whole.length; size++) {
    assertCorrupt(() => inspectBytes(whole.subarray(0, size)), /needs (at least )?\d+ bytes and has \d+|but its \d+ bytes hold|only \d+ bytes follow/)
  }
  assertCorrupt(() => inspectBytes(whole.subarray(0, whole.length - 1)), new RegExp(`needs ${whole.length} bytes and has ${whole.length - 1}`))
  assertCorrupt(() => inspectBytes(whole.subarray(0, 10)), /it has 10 bytes/)
  assertCorrupt(() => inspectBytes(Buffer.alloc(0)), /it has 0 bytes/)
})

test('a truncated real model is refused', async () => {
  const header = readFileSync(await chatWeights()).subarray(0, 5_000_000)
  assertCorrupt(() => inspectBytes(header), /needs 98362432 bytes and has 5000000/)
})

test('something else than GGUF, and versions that are not supported, are named', () => {
  assertCorrupt(() => inspectSpec({ magic: 'GGML' }), /starts with "GGML"/)
  assertCorrupt(() => inspectBytes(Buffer.from('<!doctype html><html><body>Not found</body></html>')), /starts with "<!do"/)
  assertCorrupt(() => inspectSpec({ version: 1 }), /version 1; versions 2 and 3/)
  assertCorrupt(() => inspectSpec({ version: 0x03000000 }), /big-endian/)
  assertCorrupt(() => inspectGguf('/'), /is not a file/)
  assert.throws(() => inspectGguf('/nowhere/x.gguf'), /cannot be opened/)
})

test('counts that no file of this size can hold are refused at once', () => {
  for (const count of [1000n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n]) {
    assertCorrupt(() => inspectSpec({ tensorCount: count }), new RegExp(`says it has ${count} tensors`))
    assertCorrupt(() => inspectSpec({ fieldCount: count }), new RegExp(`says it has ${count} keys`))
  }
})

test('counts that a huge file could hold are limited all the same', () => {
  const size = 100 * 1024 ** 3
  const header = (tensors: bigint, keys: bigint) => Buffer.concat([Buffer.from('GGUF'), u32(3), u64(tensors), u64(keys)])
  assertCorrupt(() => inspectBytes(header(1_000_001n, 0n), { sparseSize: size }), /1000001 tensors; 1000000 is the limit/)
  assertCorrupt(() => inspectBytes(header(0n, 65_537n), { sparseSize: size }), /65537 keys; 65536 is the limit/)
  const list = Buffer.concat([header(0n, 1n), text('list'), u32(9), u32(8), u64(2n ** 30n)])
  assertCorrupt(() => inspectBytes(list, { sparseSize: size }), /1073741824 items of "list"; 16777216 is the limit/)
  const long = Buffer.concat([header(0n, 1n), u64(2n ** 31n)])
  assertCorrupt(() => inspectBytes(long, { sparseSize: size }), /key 0 is 2147483648 bytes long; 65535 is the limit/)
  const longValue = Buffer.concat([header(0n, 1n), text('value'), u32(8), u64(2n ** 33n)])
  assertCorrupt(() => inspectBytes(longValue, { sparseSize: size }), /header of more than 134217728 bytes/)
})

test('lengths that point outside the file are refused', () => {
  const withRaw = (...raw: Buffer[]) => inspectSpec({ fields: [...fields, ['x', { raw: Buffer.concat(raw) }]] })
  assertCorrupt(() => withRaw(u32(8), u64(2n ** 64n - 1n)), /the value of "x" is 18446744073709551615 bytes long, but only/)
  assertCorrupt(() => withRaw(u32(9), u32(4), u64(2n ** 62n)), /4611686018427387904 items of "x"/)
  assertCorrupt(() => withRaw(u32(9), u32(8), u64(1n), u64(2n ** 40n)), /item 0 of "x" is 1099511627776 bytes long/)
  assertCorrupt(() => withRaw(u32(9), u32(9), u64(1n)), /array of the unknown type 9/)
  assertCorrupt(() => withRaw(u32(13)), /unknown type 13 under "x"/)
})

test('keys and tensors that come twice are refused', () => {
  assertCorrupt(() => inspectSpec({ fields: [...fields, ['general.name', { text: 'again' }]] }), /the key "general.name" twice/)
  const tensor = { name: 'a', dimensions: [8] }
  assertCorrupt(() => inspectSpec({ tensors: [tensor, tensor] }), /the tensor "a" twice/)
})

test('tensors outside the file, over each other or out of line are refused', () => {
  const at = (...offsets: bigint[]) => inspectSpec({ tensors: offsets.map((offset, index) => ({ name: `t${index}`, dimensions: [8], offset })) })
  assertCorrupt(() => at(2n ** 40n), /truncated, or its header lies: it needs 109951162\d+ bytes/)
  assertCorrupt(() => at(2n ** 64n - 32n), /it needs 184467440737\d+ bytes/)
  assertCorrupt(() => at(0n, 0n), /"t0" and "t1" in the same place/)
  assertCorrupt(() => at(4n), /no multiple of the alignment 32/)
})

test('shapes that overflow, are empty, or do not fit their type are refused', () => {
  const shaped = (dimensions: (number | bigint)[], type = 0) => inspectSpec({ tensors: [{ name: 't', dimensions, type, offset: 0n }] })
  assertCorrupt(() => shaped([2n ** 33n, 2n ** 31n]), /the shape 8589934592 × 2147483648/)
  assertCorrupt(() => shaped([2n ** 63n, 2n ** 63n, 2n ** 63n, 2n ** 63n]), /the shape/)
  assertCorrupt(() => shaped([0]), /the shape 0/)
  assertCorrupt(() => shaped([]), /has 0 dimensions/)
  assertCorrupt(() => shaped([1, 1, 1, 1, 1]), /has 5 dimensions/)
  assertCorrupt(() => shaped([33], 8), /rows of 33 values.*Q8_0 needs a multiple of 32/)
  assertCorrupt(() => shaped([32], 77), /in the type 77/)
})

test('an alignment that is none is refused', () => {
  for (const alignment of [0, 3, 1 << 20]) {
    assertCorrupt(() => inspectSpec({ fields: [...fields, ['general.alignment', { u32: alignment }]] }), new RegExp(`the alignment ${alignment}`))
  }
  assertCorrupt(() => inspectSpec({ fields: [...fields, ['general.alignment', { text: '32' }]] }), /the alignment "32"/)
})

test('a header without what the engine needs is refused', () => {
  const without = (key: string) => fields.filter(([name]) => name !== key)
  assertCorrupt(() => inspectSpec({ fields: without('general.architecture') }), /which architecture/)
  assertCorrupt(() => inspectSpec({ fields: without('llama.context_length') }), /nothing under "llama.context_length"/)
  assertCorrupt(() => inspectSpec({ fields: [...without('llama.context_length'), ['llama.context_length', { u32: 0 }]] }), /has 0 under/)
  assertCorrupt(() => inspectSpec({ fields: [...without('llama.embedding_length'), ['llama.embedding_length', { f32: 1.5 }]] }), /has 1.5 under/)
  assertCorrupt(() => inspectSpec({ fields: [...without('llama.context_length'), ['llama.context_length', { texts: ['a'] }]] }), /a list of 1 under/)
})

test('a name cannot smuggle control characters or a novel into a terminal', () => {
  const named = inspectSpec({
    fields: [...fields.filter(([key]) => key !== 'general.name'), ['general.name', { text: `\u001b[2Jevil\u202e${'x'.repeat(1000)}` }]]
  })
  assert.match(named.name ?? '', /^\[2Jevilx{193}$/)
})
