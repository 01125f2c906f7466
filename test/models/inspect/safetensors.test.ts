import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AppError } from '../../../server/errors.ts'
import { inspectWeights, weightsFilesAt } from '../../../server/models/inspect/inspect.ts'
import { readWeights } from '../../../server/models/inspect/read-weights.ts'
import { buildSafetensors, smallSafetensors } from '../../helpers/safetensors.ts'
import { temporaryFolder } from '../fixtures.ts'

function inspectBytes(bytes: Buffer) {
  using folder = temporaryFolder()
  const path = join(folder.path, 'model.safetensors')
  writeFileSync(path, bytes)
  return readWeights([{ name: 'model.safetensors', path }])
}

function assertCorrupt(run: () => unknown, message: RegExp): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof AppError, String(error))
    assert.equal(error.code, 'weights_corrupt')
    assert.match(error.message, message)
    return true
  })
}

const config = {
  architectures: ['Qwen2ForCausalLM'],
  max_position_embeddings: 32_768,
  hidden_size: 8,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  intermediate_size: 16,
  vocab_size: 4
}

/** Two shards, an index and what else a repository has. */
function writeModel(folder: string, change: Record<string, unknown> = {}): void {
  const write = (name: string, content: unknown) =>
    content === undefined ||
    writeFileSync(join(folder, name), Buffer.isBuffer(content) || typeof content === 'string' ? content : JSON.stringify(content))
  const files: Record<string, unknown> = {
    'model-00001-of-00002.safetensors': buildSafetensors({ 'model.embed_tokens.weight': { dtype: 'BF16', shape: [4, 8] } }),
    'model-00002-of-00002.safetensors': buildSafetensors({
      'lm_head.weight': { dtype: 'BF16', shape: [4, 8] },
      'model.norm.weight': { dtype: 'F32', shape: [8] }
    }),
    'model.safetensors.index.json': {
      metadata: { total_size: 160 },
      weight_map: {
        'model.embed_tokens.weight': 'model-00001-of-00002.safetensors',
        'lm_head.weight': 'model-00002-of-00002.safetensors',
        'model.norm.weight': 'model-00002-of-00002.safetensors'
      }
    },
    'config.json': config,
    'tokenizer_config.json': { tokenizer_class: 'Qwen2Tokenizer', chat_template: '<|im_start|>{% if tools %}{% endif %}' },
    'README.md': '---\nlanguage: en\nlicense: apache-2.0 # really\n---\n# A model\n',
    ...change
  }
  for (const [name, content] of Object.entries(files)) write(name, content)
}

test('a folder of shards is described as one model, from its tensors and the files beside them', async () => {
  using folder = temporaryFolder()
  writeModel(folder.path)
  const { shape, files, ...rest } = await inspectWeights(folder.path)
  assert.deepEqual(
    files.map(({ name }) => name),
    ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']
  )
  assert.deepEqual(rest, {
    format: 'safetensors',
    architecture: 'Qwen2ForCausalLM',
    name: null,
    licence: 'apache-2.0',
    contextLength: 32_768,
    embeddingLength: 8,
    parameters: 72,
    quantisation: 'BF16',
    isEmbedding: false,
    pooling: null,
    template: { kind: 'chatml', hasTools: true, hasReasoning: false },
    tokenizer: { kind: 'Qwen2Tokenizer', tokens: 4 },
    tensorCount: 3,
    tensorBytes: 160
  })
  assert.deepEqual(
    shape?.layers,
    Array.from({ length: 2 }, () => ({ bytes: 16, keys: 4, values: 4, isWindowed: false, state: 0 }))
  )
  assert.deepEqual([shape?.embeddingBytes, shape?.outputBytes, shape?.isRough], [64, 64, true])
})

test('a copy of the model under another name in the same folder is passed over', async () => {
  using folder = temporaryFolder()
  writeModel(folder.path, { 'consolidated.safetensors': smallSafetensors() })
  assert.equal((await inspectWeights(folder.path)).tensorCount, 3)
  using single = temporaryFolder()
  for (const name of ['model.safetensors', 'consolidated.safetensors']) writeFileSync(join(single.path, name), smallSafetensors())
  assert.equal((await inspectWeights(single.path)).tensorCount, 2)
})

test('the index stands for its folder, and a single file is described with what lies beside it', async () => {
  using folder = temporaryFolder()
  writeModel(folder.path)
  assert.equal((await inspectWeights(join(folder.path, 'model.safetensors.index.json'))).tensorCount, 3)
  using single = temporaryFolder()
  writeFileSync(join(single.path, 'model.safetensors'), smallSafetensors())
  assert.equal((await inspectWeights(join(single.path, 'model.safetensors'))).contextLength, null)
  writeFileSync(
    join(single.path, 'config.json'),
    JSON.stringify({ text_config: { max_position_embeddings: 77 }, quantization_config: { quant_method: 'awq', bits: 4 } })
  )
  const { contextLength, quantisation } = await inspectWeights(join(single.path, 'model.safetensors'))
  assert.deepEqual({ contextLength, quantisation }, { contextLength: 77, quantisation: 'awq 4-bit' })
})

test('an index that does not agree with its files is refused', async () => {
  const refused = async (change: Record<string, unknown>, message: RegExp) => {
    using folder = temporaryFolder()
    writeModel(folder.path, change)
    const files = await weightsFilesAt(folder.path)
    assertCorrupt(() => readWeights(files), message)
  }
  const map = { 'model.embed_tokens.weight': 'model-00001-of-00002.safetensors', 'lm_head.weight': 'model-00002-of-00002.safetensors' }
  const index = (weight_map: Record<string, string>) => ({ 'model.safetensors.index.json': { weight_map } })
  const norm = { 'model.norm.weight': 'model-00002-of-00002.safetensors' }
  await refused(index(map), /has the tensor "model\.norm\.weight", which its index does not name/)
  await refused(index({ ...map, ...norm, extra: 'model-00001-of-00002.safetensors' }), /lacks the tensor "extra"/)
  await refused(
    index({ ...map, 'model.norm.weight': '../model-00001-of-00002.safetensors' }),
    /in "model-00002-of-00002\.safetensors", and its index in "\.\.\/model/
  )
  await refused({ 'model.safetensors.index.json': '{"weight_map": []}' }, /index without a weight_map/)
  await refused({ 'model.safetensors.index.json': '{"weight_map": {"a": "b", "a": "c"}}' }, /the key "a" twice/)
  await refused({ 'config.json': '{"vocab_size": 1' }, /config\.json has JSON that is not JSON/)
  await refused(
    { 'model-00002-of-00002.safetensors': buildSafetensors({ 'model.embed_tokens.weight': { dtype: 'U8', shape: [1] } }) },
    /in "model-00001.*" and in "model-00002/
  )
  using folder = temporaryFolder()
  writeModel(folder.path)
  const files = (await weightsFilesAt(folder.path)).filter(({ name }) => !name.endsWith('index.json'))
  assertCorrupt(() => readWeights(files), /has 2 safetensors files and no model\.safetensors\.index\.json/)
})

test('a file cut at any place, or with more behind it, is refused', () => {
  const whole = smallSafetensors()
  assert.equal(inspectBytes(whole).tensorCount, 2)
  for (let size = 0; size < whole.length; size++)
    assertCorrupt(() => inspectBytes(whole.subarray(0, size)), /truncated|no safetensors file|neither GGUF|not JSON/)
  assertCorrupt(() => inspectBytes(Buffer.concat([whole, Buffer.alloc(3)])), /has 3 bytes after its tensors that belong to none/)
})

test('a header that claims too much is refused before it is read', () => {
  const claim = (length: bigint, size = 64) => {
    const bytes = Buffer.alloc(size, '{')
    bytes.writeBigUInt64LE(length)
    return inspectBytes(bytes)
  }
  assertCorrupt(() => claim(2n ** 64n - 1n), /says that its header has 18446744073709551615 bytes, and 56 follow/)
  assertCorrupt(() => claim(57n), /and 56 follow/)
})

test('tensors over each other, with holes between them, or of another size than their shape are refused', () => {
  const refused = (tensors: Parameters<typeof buildSafetensors>[0], message: RegExp) =>
    assertCorrupt(() => inspectBytes(buildSafetensors(tensors)), message)
  refused({ a: { dtype: 'U8', shape: [8] }, b: { dtype: 'U8', shape: [8], data_offsets: [4, 12] } }, /"a" and "b" in the same place/)
  refused({ a: { dtype: 'U8', shape: [8] }, b: { dtype: 'U8', shape: [8], data_offsets: [9, 17] } }, /a hole of 1 bytes before the tensor "b"/)
  refused({ a: { dtype: 'F16', shape: [8], data_offsets: [0, 8] } }, /gives the tensor "a" 8 bytes, and its shape and type need 16/)
  refused({ a: { dtype: 'F16', shape: [2 ** 40, 2 ** 40], data_offsets: [0, 8] } }, /need 2417851639229258349412352/)
  refused({ a: { dtype: 'U8', shape: [100], data_offsets: [0, 100] } }, /its tensors need 100 bytes and \d+ are there|truncated/)
  refused({ a: { dtype: 'Q4', shape: [8] } }, /in the type "Q4", which is not known/)
  refused({ a: { dtype: 'U8', shape: [-1] } }, /a shape of the tensor "a" that is none/)
  refused({ a: { dtype: 'U8', shape: [1.5] } }, /a shape of the tensor "a" that is none/)
  refused({ a: { dtype: 'U8', shape: [8], data_offsets: [8, 0] } }, /does not say where the tensor "a" lies/)
  refused({ a: { dtype: 'U8', shape: [8], stride: 1 } }, /has "stride" at the tensor "a"/)
})

test('JSON that readers could take two ways, or that is none, is refused', () => {
  const refused = (header: string, message: RegExp) => assertCorrupt(() => inspectBytes(buildSafetensors(header)), message)
  refused('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}', /the key "a" twice/)
  refused('{"a":{"dtype":"U8","dtype":"F32","shape":[0],"data_offsets":[0,0]}}', /the key "dtype" twice/)
  refused('{"a":1}', /says nothing usable about the tensor "a"/)
  refused('{"__metadata__":{"a":1}}', /no text under the metadata "a"/)
  refused(`{"a":${'['.repeat(40)}${']'.repeat(40)}}`, /nested deeper than 32/)
  refused('{"a":}', /not JSON/)
  refused('{} {}', /goes on after its end/)
  refused('{"\\q":1}', /wrong escape/)
  refused('{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', /truncated/)
})
