import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { buildGguf, type GgufField, type GgufTensorSpec } from './gguf.ts'
import { createRandom } from './random.ts'

/** Numbers of a model that llama.cpp loads and generates nonsense with. */
export type RandomModel = {
  architecture: 'llama' | 'qwen2' | 'qwen3' | 'qwen3moe' | 'gemma2' | 'gemma3' | 'phi3' | 'deepseek2' | 'lfm2' | 'bert'
  layers: number
  embedding: number
  feedForward: number
  heads: number
  headsKv: number
  /** Values of one head; embedding ÷ heads when absent. */
  headLength?: number
  context: number
  /** Of the matrices. */
  type: TensorType
  /** Of the embedding where it is another. */
  embeddingType?: TensorType
  slidingWindow?: number
  experts?: { count: number; used: number; feedForward: number }
  /** Compressed keys and values (MLA). */
  latent?: { rank: number; rope: number; nope: number; value: number; query: number }
  /** A decoder that makes embeddings. */
  isEmbedding?: boolean
  /** An output matrix of its own instead of the embedding. */
  hasOutput?: boolean
}

export type TensorType = keyof typeof types
const types = { F32: [0, 1, 4], F16: [1, 1, 2], Q4_0: [2, 32, 18], Q8_0: [8, 32, 34], Q4_K: [12, 256, 144], Q6_K: [14, 256, 210] } as const

/** Writes the model with the tokenizer of another GGUF file (fields `tokenizer.*`). Answers `path`. */
export function writeRandomModel(path: string, model: RandomModel, tokenizerOf: string): string {
  const tokenizer = rawFields(tokenizerOf, 'tokenizer.').filter(([key]) => !(model.architecture === 'bert' && key.endsWith('chat_template')))
  const vocabulary = arrayLength(tokenizer, 'tokenizer.ggml.tokens')
  const tensors = tensorsOf(model, vocabulary)
  let end = 0
  const placed = tensors.map(({ name, dimensions, type }): GgufTensorSpec & { bytes: number } => {
    const [id, block, size] = types[type]
    const bytes = (dimensions.reduce((product, dimension) => product * dimension, 1) / block) * size
    const offset = BigInt(end)
    end += Math.ceil(bytes / 32) * 32
    return { name, dimensions, type: id, offset, bytes }
  })
  const header = buildGguf({ fields: [...fieldsOf(model), ...tokenizer], tensors: placed })
  const fd = openSync(path, 'w')
  try {
    writeSync(fd, header, 0, header.length, 0)
    for (const [index, { offset, bytes }] of placed.entries()) {
      const pattern = patternOf(tensors[index]?.type ?? 'F32', tensors[index]?.dimensions.length === 1)
      for (let written = 0; written < bytes; ) {
        written += writeSync(fd, pattern, 0, Math.min(pattern.length, bytes - written), header.length + Number(offset) + written)
      }
    }
    writeSync(fd, Buffer.alloc(32), 0, 32, header.length + end)
  } finally {
    closeSync(fd)
  }
  return path
}

type Tensor = { name: string; dimensions: number[]; type: TensorType }

function fieldsOf(model: RandomModel): [string, GgufField][] {
  const { architecture, heads, headsKv, headLength, latent, experts, slidingWindow } = model
  const number = (key: string, value: number): [string, GgufField] => [`${architecture}.${key}`, { u32: value }]
  const kvHeads = latent === undefined ? headsKv : 1
  return [
    ['general.architecture', { text: architecture }],
    ['general.name', { text: `Random ${architecture}` }],
    ['general.file_type', { u32: { F32: 0, F16: 1, Q4_0: 2, Q8_0: 7, Q4_K: 15, Q6_K: 18 }[model.type] }],
    number('block_count', model.layers),
    number('context_length', model.context),
    number('embedding_length', model.embedding),
    number('feed_forward_length', model.feedForward),
    number('attention.head_count', heads),
    architecture === 'lfm2'
      ? ['lfm2.attention.head_count_kv', { i32s: Array.from({ length: model.layers }, (_, layer) => (isConvolution(layer) ? 0 : headsKv)) }]
      : number('attention.head_count_kv', kvHeads),
    [`${architecture}.attention.layer_norm_${architecture === 'bert' ? '' : 'rms_'}epsilon`, { f32: 1e-5 }],
    ...(headLength === undefined ? [] : [number('attention.key_length', headLength), number('attention.value_length', headLength)]),
    ...(architecture === 'llama' ? [number('rope.dimension_count', headLength ?? model.embedding / heads)] : []),
    ...(architecture === 'phi3' ? [number('rope.dimension_count', model.embedding / heads)] : []),
    ...(slidingWindow === undefined ? [] : [number('attention.sliding_window', slidingWindow)]),
    ...(experts === undefined
      ? []
      : [
          number('expert_count', experts.count),
          number('expert_used_count', experts.used),
          number('expert_feed_forward_length', experts.feedForward)
        ]),
    ...(latent === undefined
      ? []
      : [
          number('attention.key_length', latent.rank + latent.rope),
          number('attention.value_length', latent.rank),
          number('attention.key_length_mla', latent.nope + latent.rope),
          number('attention.value_length_mla', latent.value),
          number('attention.kv_lora_rank', latent.rank),
          number('attention.q_lora_rank', latent.query),
          number('rope.dimension_count', latent.rope),
          number('leading_dense_block_count', model.layers),
          number('expert_count', 2),
          number('expert_used_count', 1),
          number('expert_feed_forward_length', 32),
          number('expert_shared_count', 1),
          number('expert_gating_func', 2),
          [`${architecture}.expert_weights_scale`, { f32: 1 }] as [string, GgufField]
        ]),
    ...(architecture === 'lfm2' ? [number('shortconv.l_cache', 3)] : []),
    ...(model.isEmbedding === true ? [number('pooling_type', 3)] : []),
    ...(architecture === 'bert'
      ? [
          number('pooling_type', 1),
          ['bert.attention.causal', { bool: false }] as [string, GgufField],
          ['tokenizer.ggml.token_type_count', { u32: 2 }] as [string, GgufField]
        ]
      : [])
  ]
}

/** Of lfm2: two of three layers have a short convolution in place of attention. */
const isConvolution = (layer: number) => layer % 3 !== 2

function tensorsOf(model: RandomModel, vocabulary: number): Tensor[] {
  const { architecture, embedding, feedForward, type } = model
  const matrix = (name: string, ...dimensions: number[]): Tensor => ({ name, dimensions, type })
  const vector = (name: string, length: number): Tensor => ({ name, dimensions: [length], type: 'F32' })
  const table = (name: string): Tensor => ({ name, dimensions: [embedding, vocabulary], type: model.embeddingType ?? type })
  if (architecture === 'bert') return bertTensors(model, table, matrix, vector)
  const headLength = model.headLength ?? embedding / model.heads
  const [query, keyValue] = [headLength * model.heads, headLength * model.headsKv]
  const layer = (index: number): Tensor[] => {
    const name = (part: string, what = 'weight') => `blk.${index}.${part}.${what}`
    const norms = [vector(name('attn_norm'), embedding), vector(name('ffn_norm'), embedding)]
    const gemma = architecture.startsWith('gemma') ? [vector(name('post_attention_norm'), embedding), vector(name('post_ffw_norm'), embedding)] : []
    const headNorms = ['qwen3', 'qwen3moe', 'gemma3', 'lfm2'].includes(architecture)
      ? [vector(name('attn_q_norm'), headLength), vector(name('attn_k_norm'), headLength)]
      : []
    const biases =
      architecture === 'qwen2'
        ? [vector(name('attn_q', 'bias'), query), vector(name('attn_k', 'bias'), keyValue), vector(name('attn_v', 'bias'), keyValue)]
        : []
    return [...norms, ...gemma, ...biases, ...attention(name, headNorms), ...feed(name)]
  }
  const attention = (name: (part: string) => string, headNorms: Tensor[]): Tensor[] => {
    const { latent, heads } = model
    if (latent !== undefined) {
      return [
        matrix(name('attn_q_a'), embedding, latent.query),
        vector(name('attn_q_a_norm'), latent.query),
        matrix(name('attn_q_b'), latent.query, heads * (latent.nope + latent.rope)),
        matrix(name('attn_kv_a_mqa'), embedding, latent.rank + latent.rope),
        vector(name('attn_kv_a_norm'), latent.rank),
        matrix(name('attn_k_b'), latent.nope, latent.rank, heads),
        matrix(name('attn_v_b'), latent.rank, latent.value, heads),
        matrix(name('attn_output'), heads * latent.value, embedding)
      ]
    }
    if (architecture === 'phi3') return [matrix(name('attn_qkv'), embedding, query + 2 * keyValue), matrix(name('attn_output'), query, embedding)]
    if (architecture === 'lfm2' && isConvolution(Number(name('x').split('.')[1]))) {
      return [
        { name: name('shortconv.conv'), dimensions: [3, embedding], type: 'F32' },
        matrix(name('shortconv.in_proj'), embedding, 3 * embedding),
        matrix(name('shortconv.out_proj'), embedding, embedding)
      ]
    }
    return [
      ...headNorms,
      matrix(name('attn_q'), embedding, query),
      matrix(name('attn_k'), embedding, keyValue),
      matrix(name('attn_v'), embedding, keyValue),
      matrix(name('attn_output'), query, embedding)
    ]
  }
  const feed = (name: (part: string) => string): Tensor[] => {
    const { experts } = model
    if (experts !== undefined) {
      return [
        { name: name('ffn_gate_inp'), dimensions: [embedding, experts.count], type: 'F32' },
        matrix(name('ffn_gate_exps'), embedding, experts.feedForward, experts.count),
        matrix(name('ffn_up_exps'), embedding, experts.feedForward, experts.count),
        matrix(name('ffn_down_exps'), experts.feedForward, embedding, experts.count)
      ]
    }
    if (architecture === 'phi3') return [matrix(name('ffn_up'), embedding, 2 * feedForward), matrix(name('ffn_down'), feedForward, embedding)]
    return [
      matrix(name('ffn_gate'), embedding, feedForward),
      matrix(name('ffn_up'), embedding, feedForward),
      matrix(name('ffn_down'), feedForward, embedding)
    ]
  }
  return [
    table('token_embd.weight'),
    vector(architecture === 'lfm2' ? 'token_embd_norm.weight' : 'output_norm.weight', embedding),
    ...(model.hasOutput === true ? [table('output.weight')] : []),
    ...Array.from({ length: model.layers }, (_, index) => layer(index)).flat()
  ]
}

function bertTensors(
  { layers, embedding, feedForward, context }: RandomModel,
  table: (name: string) => Tensor,
  matrix: (name: string, ...dimensions: number[]) => Tensor,
  vector: (name: string, length: number) => Tensor
): Tensor[] {
  const norm = (name: string) => [vector(`${name}.weight`, embedding), vector(`${name}.bias`, embedding)]
  const dense = (name: string, from: number, to: number) => [matrix(`${name}.weight`, from, to), vector(`${name}.bias`, to)]
  return [
    table('token_embd.weight'),
    { name: 'token_types.weight', dimensions: [embedding, 2], type: 'F32' },
    { name: 'position_embd.weight', dimensions: [embedding, context], type: 'F32' },
    ...norm('token_embd_norm'),
    ...Array.from({ length: layers }, (_, index) => `blk.${index}`).flatMap((layer) => [
      ...dense(`${layer}.attn_q`, embedding, embedding),
      ...dense(`${layer}.attn_k`, embedding, embedding),
      ...dense(`${layer}.attn_v`, embedding, embedding),
      ...dense(`${layer}.attn_output`, embedding, embedding),
      ...norm(`${layer}.attn_output_norm`),
      ...dense(`${layer}.ffn_up`, embedding, feedForward),
      ...dense(`${layer}.ffn_down`, feedForward, embedding),
      ...norm(`${layer}.layer_output_norm`)
    ])
  ]
}

/** About a megabyte of blocks whose scales are small finite numbers; a vector is all ones, as norms begin. */
function patternOf(type: TensorType, isVector: boolean): Buffer {
  const [, block, size] = types[type]
  const random = createRandom(size)
  const count = Math.floor(1_048_576 / size)
  const bytes = Buffer.alloc(count * size)
  const half = (at: number) => bytes.writeUInt16LE(0x2000 + Math.floor(random() * 0x3ff) + (random() < 0.5 ? 0x8000 : 0), at)
  for (let at = 0; at < bytes.length; at += size) {
    if (type === 'F32') bytes.writeFloatLE(isVector ? 1 : random() / 32 - 1 / 64, at)
    else if (type === 'F16') half(at)
    else {
      for (let i = 0; i < size; i++) bytes[at + i] = Math.floor(random() * 256)
      if (type === 'Q6_K') half(at + size - 2)
      else half(at)
      if (block === 256 && type === 'Q4_K') half(at + 2)
    }
  }
  return bytes
}

/** Of the files a tokenizer is taken from. */
const largestHeader = 16 * 1024 * 1024

/** Fields of a GGUF file whose key begins with `prefix`, as the bytes they are. */
function rawFields(path: string, prefix: string): [string, GgufField][] {
  const bytes = Buffer.alloc(largestHeader)
  const fd = openSync(path, 'r')
  readSync(fd, bytes, 0, bytes.length, 0)
  closeSync(fd)
  const sizes = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8]
  let at = 16
  const u64 = () => {
    at += 8
    return Number(bytes.readBigUInt64LE(at - 8))
  }
  const u32 = () => {
    at += 4
    return bytes.readUInt32LE(at - 4)
  }
  const skip = (type: number): void => {
    if (type === 8) {
      const length = u64()
      at += length
    } else if (type === 9) {
      const item = u32()
      for (let left = u64(); left > 0; left--) skip(item)
    } else at += sizes[type] ?? 0
  }
  const found: [string, GgufField][] = []
  for (let left = u64(); left > 0; left--) {
    const length = u64()
    const key = bytes.toString('utf8', at, at + length)
    at += length
    const start = at
    skip(u32())
    if (key.startsWith(prefix)) found.push([key, { raw: Buffer.from(bytes.subarray(start, at)) }])
  }
  return found
}

function arrayLength(fields: [string, GgufField][], key: string): number {
  const value = fields.find(([name]) => name === key)?.[1]
  if (value === undefined || !('raw' in value)) throw new Error(`there is no ${key}`)
  return Number(value.raw.readBigUInt64LE(8))
}
