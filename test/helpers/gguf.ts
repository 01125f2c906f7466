import { writeFileSync } from 'node:fs'

/** A value of a GGUF header with the type it is written in. */
export type GgufField =
  | { u32: number }
  | { f32: number }
  | { bool: boolean }
  | { text: string }
  | { texts: string[] }
  | { f32s: number[] }
  | { i32s: number[] }
  | { raw: Buffer }

export type GgufTensorSpec = {
  name: string
  dimensions: (number | bigint)[]
  /** Number of the tensor type; 0 = F32. */
  type?: number
  /** Instead of the right one. */
  offset?: bigint
  /** Values of an F32 tensor; zeros when absent. */
  data?: Float32Array
}

export type GgufSpec = {
  magic?: string
  version?: number
  fields: [key: string, value: GgufField][]
  tensors: GgufTensorSpec[]
  /** Instead of the true ones. */
  tensorCount?: bigint
  fieldCount?: bigint
}

/** The bytes of a GGUF file, also of one that lies. Alignment 32, F32 data. */
export function buildGguf(spec: GgufSpec): Buffer {
  const header = [Buffer.from(spec.magic ?? 'GGUF', 'latin1'), u32(spec.version ?? 3)]
  header.push(u64(spec.tensorCount ?? BigInt(spec.tensors.length)), u64(spec.fieldCount ?? BigInt(spec.fields.length)))
  for (const [key, value] of spec.fields) header.push(text(key), field(value))
  let end = 0
  const data: Buffer[] = []
  for (const tensor of spec.tensors) {
    const count = tensor.data?.length ?? tensor.dimensions.reduce<number>((product, size) => product * Number(size), 1)
    header.push(text(tensor.name), u32(tensor.dimensions.length), ...tensor.dimensions.map((size) => u64(BigInt(size))))
    header.push(u32(tensor.type ?? 0), u64(tensor.offset ?? BigInt(end)))
    if (tensor.offset !== undefined || count > 1e7) continue
    data.push(padded(tensor.data === undefined ? Buffer.alloc(count * 4) : Buffer.from(tensor.data.buffer, tensor.data.byteOffset, count * 4)))
    end += padded(Buffer.alloc(count * 4)).length
  }
  return Buffer.concat([padded(Buffer.concat(header)), ...data])
}

/** Header and tensors of a small file that passes every check; change what a test is about. */
export function smallGguf(change: Partial<GgufSpec> = {}): GgufSpec {
  return {
    fields: [
      ['general.architecture', { text: 'llama' }],
      ['general.name', { text: 'Small' }],
      ['llama.context_length', { u32: 128 }],
      ['llama.embedding_length', { u32: 8 }]
    ],
    tensors: [
      { name: 'a.weight', dimensions: [8, 4] },
      { name: 'b.weight', dimensions: [8] }
    ],
    ...change
  }
}

/** Writes a random llama model of about 200 kB that llama.cpp loads and generates nonsense with: byte tokens and a chat template. */
export function tinyGguf(path: string, options: { contextLength?: number; seed?: number } = {}): string {
  writeFileSync(path, buildGguf(tinySpec(options)))
  return path
}

/** The same model as llama.cpp's `gguf-split` would cut it: the first part has the description, every part its share of the tensors. */
export function splitTinyGguf(count: number): Buffer[] {
  const { fields, tensors } = tinySpec({})
  const share = Math.ceil(tensors.length / count)
  return Array.from({ length: count }, (_, part) =>
    buildGguf({
      fields: [
        ...(part === 0 ? fields : []),
        ['split.no', { raw: Buffer.concat([u32(2), u16(part)]) }],
        ['split.count', { raw: Buffer.concat([u32(2), u16(count)]) }],
        ['split.tensors.count', { raw: Buffer.concat([u32(5), u32(tensors.length)]) }]
      ],
      tensors: tensors.slice(part * share, (part + 1) * share)
    })
  )
}

function tinySpec(options: { contextLength?: number; seed?: number }): GgufSpec {
  const width = 32
  const inner = 64
  const tokens = [
    '<unk>',
    '<s>',
    '</s>',
    ...Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
    '▁',
    '▁a',
    'e',
    't'
  ]
  const types = tokens.map((_, id) => (id === 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1))
  const random = randomValues(options.seed ?? 1)
  const matrix = (name: string, columns: number, rows: number): GgufTensorSpec => ({
    name,
    dimensions: [columns, rows],
    data: random(columns * rows)
  })
  const ones = (name: string): GgufTensorSpec => ({ name, dimensions: [width], data: new Float32Array(width).fill(1) })
  return {
    fields: [
      ['general.architecture', { text: 'llama' }],
      ['general.name', { text: 'Tiny' }],
      ['general.file_type', { u32: 0 }],
      ['llama.block_count', { u32: 1 }],
      ['llama.context_length', { u32: options.contextLength ?? 256 }],
      ['llama.embedding_length', { u32: width }],
      ['llama.feed_forward_length', { u32: inner }],
      ['llama.attention.head_count', { u32: 2 }],
      ['llama.attention.head_count_kv', { u32: 2 }],
      ['llama.rope.dimension_count', { u32: width / 2 }],
      ['llama.attention.layer_norm_rms_epsilon', { f32: 1e-5 }],
      ['tokenizer.ggml.model', { text: 'llama' }],
      ['tokenizer.ggml.tokens', { texts: tokens }],
      ['tokenizer.ggml.scores', { f32s: tokens.map((_, id) => -id) }],
      ['tokenizer.ggml.token_type', { i32s: types }],
      ['tokenizer.ggml.bos_token_id', { u32: 1 }],
      ['tokenizer.ggml.eos_token_id', { u32: 2 }],
      ['tokenizer.ggml.unknown_token_id', { u32: 0 }],
      [
        'tokenizer.chat_template',
        { text: "{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '\\n' }}{% endfor %}assistant: " }
      ]
    ],
    tensors: [
      matrix('token_embd.weight', width, tokens.length),
      ones('output_norm.weight'),
      ones('blk.0.attn_norm.weight'),
      matrix('blk.0.attn_q.weight', width, width),
      matrix('blk.0.attn_k.weight', width, width),
      matrix('blk.0.attn_v.weight', width, width),
      matrix('blk.0.attn_output.weight', width, width),
      ones('blk.0.ffn_norm.weight'),
      matrix('blk.0.ffn_gate.weight', width, inner),
      matrix('blk.0.ffn_up.weight', width, inner),
      matrix('blk.0.ffn_down.weight', inner, width)
    ]
  }
}

/** Numbers of a fixed sequence (mulberry32), so that a seed always makes the same model. */
function randomValues(seed: number): (count: number) => Float32Array {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296 - 0.5
  }
  return (count) => Float32Array.from({ length: count }, next)
}

function u16(value: number): Buffer {
  const buffer = Buffer.alloc(2)
  buffer.writeUInt16LE(value)
  return buffer
}

export function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32LE(value)
  return buffer
}

export function u64(value: bigint): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64LE(value)
  return buffer
}

export function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([u64(BigInt(bytes.length)), bytes])
}

function field(value: GgufField): Buffer {
  if ('u32' in value) return Buffer.concat([u32(4), u32(value.u32)])
  if ('f32' in value) return Buffer.concat([u32(6), f32(value.f32)])
  if ('bool' in value) return Buffer.concat([u32(7), Buffer.from([value.bool ? 1 : 0])])
  if ('text' in value) return Buffer.concat([u32(8), text(value.text)])
  if ('texts' in value) return Buffer.concat([u32(9), u32(8), u64(BigInt(value.texts.length)), ...value.texts.map(text)])
  if ('f32s' in value) return Buffer.concat([u32(9), u32(6), u64(BigInt(value.f32s.length)), ...value.f32s.map(f32)])
  if ('i32s' in value) return Buffer.concat([u32(9), u32(5), u64(BigInt(value.i32s.length)), ...value.i32s.map((item) => u32(item >>> 0))])
  return value.raw
}

function f32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeFloatLE(value)
  return buffer
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((32 - (bytes.length % 32)) % 32)])
}

/** A small model in parts, `<stem>-00001-of-0000N.gguf` and so on. Their paths. */
export function splitGguf(stem: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const path = `${stem}-${String(index + 1).padStart(5, '0')}-of-${String(count).padStart(5, '0')}.gguf`
    const split: [string, GgufField][] = [
      ['split.no', { u32: index }],
      ['split.count', { u32: count }],
      ['split.tensors.count', { u32: count }]
    ]
    const fields = index === 0 ? [...smallGguf().fields, ...split] : split
    writeFileSync(path, buildGguf({ fields, tensors: [{ name: `part${index}`, dimensions: [8, 4] }] }))
    return path
  })
}
