import type { LayerShape, ModelShape } from '#contracts/weights.ts'
import { byteLength } from './gguf-check.ts'
import type { GgufHeader, GgufTensor } from './gguf-header.ts'
import { tensorTypes } from './gguf-types.ts'

/** llama.cpp has room for 512; a header that says more is not of a model it loads. */
const mostLayers = 512
/** Processors take the rows of such a matrix eight at a time. */
const rowsTogether = 8

/**
 * Every so many layers one looks at the whole context, the others at the sliding window. `isDenseFirst`: the first of them, else the last.
 * `window`: where the header leaves it out. Source: `load_arch_hparams` of each architecture in llama.cpp's src/models.
 */
const windowPatterns: Readonly<Record<string, { every: number; isDenseFirst?: true; window?: number; onlyLayers?: number }>> = {
  gemma2: { every: 2, window: 4096 },
  gemma3: { every: 6 },
  gemma3n: { every: 5 },
  gemma4: { every: 6 },
  'gpt-oss': { every: 2 },
  cohere2: { every: 4 },
  cohere2moe: { every: 4, isDenseFirst: true },
  exaone4: { every: 4, window: 4096, onlyLayers: 64 },
  'exaone-moe': { every: 4, window: 128 },
  llama4: { every: 4, window: 8192 },
  olmo2: { every: 4 },
  afmoe: { every: 4 },
  mellum: { every: 4 },
  laguna: { every: 4, isDenseFirst: true },
  smallthinker: { every: 4, isDenseFirst: true, window: 4096 },
  plamo3: { every: 8 },
  mimo2: { every: 1 },
  step35: { every: 1 },
  'granite-swa': { every: 1 }
}

/** Without a cache of keys and values, whatever their header says about pooling. Source: `create_memory` of llama.cpp. */
export const encoders: ReadonlySet<string> = new Set([
  'bert',
  'nomic-bert',
  'nomic-bert-moe',
  'jina-bert-v2',
  'jina-bert-v3',
  'modern-bert',
  'neo-bert',
  'eurobert',
  'gemma-embedding',
  't5encoder'
])

/** Their layers were measured against the engine's own allocation (docs/benchmarks.md), or are built of the same parts. */
const measured =
  /^(llama|llama4|qwen2|qwen2moe|qwen3|qwen3moe|gemma|gemma2|gemma3|mistral3|phi2|phi3|deepseek2|lfm2|lfm2moe|olmo2|olmoe|granite|granitemoe|smollm3|command-r|cohere2|gpt-oss|stablelm|starcoder2|internlm2|exaone|exaone4|glm4|bert|nomic-bert|jina-bert-v2|modern-bert)$/

/** What of a header decides how much memory the model takes; undefined where it does not tell. Checks nothing: `checkTensors` has been here. */
export function shapeOf(header: GgufHeader, tensors: GgufTensor[] = header.tensors): ModelShape | undefined {
  const { values } = header
  const architecture = String(values.get('general.architecture'))
  const list = (key: string): number[] => {
    const value = values.get(`${architecture}.${key}`)
    if (typeof value === 'object') return ('numbers' in value ? value.numbers : undefined) ?? []
    return typeof value === 'number' || typeof value === 'bigint' ? [Number(value)] : []
  }
  const known = (value: number | undefined) => (value !== undefined && Number.isInteger(value) && value >= 0 && value <= 2 ** 31 ? value : undefined)
  const number = (key: string) => known(list(key)[0])
  const most = (key: string) => known(Math.max(0, ...list(key))) ?? 0
  const ofLayer = (key: string, layer: number) => {
    const all = list(key)
    return known(all.length === 1 ? all[0] : all[layer])
  }

  const layerCount = number('block_count')
  const embedding = number('embedding_length')
  const heads = most('attention.head_count')
  if (layerCount === undefined || layerCount < 1 || layerCount > mostLayers || embedding === undefined) return undefined

  const headLength = heads === 0 ? 0 : Math.floor(embedding / heads)
  const keyLength = number('attention.key_length') ?? headLength
  const valueLength = number('attention.value_length') ?? headLength
  const isLatent = (number('attention.key_length_mla') ?? 0) > 0 && (number('attention.value_length_mla') ?? 0) > 0
  const isEncoder = encoders.has(architecture)
  const { window, isWindowed } = windows()
  const cached = layerCount - (number('nextn_predict_layers') ?? 0)
  const withCache = architecture === 'gemma3n' ? Math.min(20, cached) : cached - (number('attention.shared_kv_layers') ?? 0)
  const bytes = bytesByPlace(tensors, layerCount)
  const layers = Array.from({ length: layerCount }, (_, index) => layer(index))

  function windows(): { window: number; isWindowed: (index: number) => boolean } {
    const pattern = windowPatterns[architecture]
    const size = number('attention.sliding_window') ?? pattern?.window ?? 0
    const flags = list('attention.sliding_window_pattern')
    const isOff = pattern === undefined || size === 0 || (pattern.onlyLayers !== undefined && pattern.onlyLayers !== layerCount)
    if (isOff) return { window: 0, isWindowed: () => false }
    if (flags.length > 1) return { window: size, isWindowed: (index) => flags[index] === 1 }
    const every = flags[0] ?? pattern.every
    if (every === 0) return { window: size, isWindowed: () => true }
    const dense = pattern.isDenseFirst === true ? 0 : every - 1
    return { window: size, isWindowed: (index) => index % every !== dense }
  }

  /** Of a recurrent layer. Source: `n_embd_r` and `n_embd_s` of llama.cpp. */
  function state(): number {
    const convolution = number('shortconv.l_cache') ?? 0
    if (convolution > 0) return (embedding ?? 0) * (convolution - 1)
    const wkv = number('wkv.head_size') ?? 0
    if (wkv > 0) return (embedding ?? 0) * (wkv + (number('token_shift_count') ?? 2))
    const [inner, width] = [number('ssm.inner_size') ?? 0, number('ssm.state_size') ?? 0]
    return Math.max(0, (number('ssm.conv_kernel') ?? 1) - 1) * (inner + 2 * (number('ssm.group_count') ?? 0) * width) + inner * width
  }

  function layer(index: number): LayerShape {
    const windowed = isWindowed(index)
    const kvHeads = ofLayer('attention.head_count_kv', index) ?? ofLayer('attention.head_count', index) ?? 0
    const interval = number('full_attention_interval') ?? 0
    const isRecurrent = kvHeads === 0 || (interval > 0 && (index + 1) % interval !== 0)
    const isInBoth = architecture === 'falcon-h1'
    const hasCache = !isEncoder && index < withCache && (!isRecurrent || isInBoth)
    const length = (kind: 'key' | 'value', usual: number) => (windowed ? (number(`attention.${kind}_length_swa`) ?? usual) : usual)
    return {
      bytes: bytes.layers[index] ?? 0,
      keys: hasCache ? kvHeads * length('key', keyLength) : 0,
      values: hasCache && !isLatent ? kvHeads * length('value', valueLength) : 0,
      isWindowed: windowed,
      state: (isRecurrent || isInBoth) && !isEncoder ? state() : 0
    }
  }

  const kvHeads = Math.max(most('attention.head_count_kv'), list('attention.head_count_kv').length === 0 ? heads : 0)
  return {
    vocabulary: vocabularyOf(header),
    embedding,
    feed: feedWidth(),
    heads,
    query: heads * keyLength,
    keys: kvHeads * keyLength,
    values: isLatent ? valueLength : kvHeads * valueLength,
    window,
    // As the library decides it; both must say the same.
    hasFlashAttention: architecture !== 'grok' && architecture !== 'gemma2' && keyLength === valueLength,
    isLatent,
    isEncoder,
    isRough: !measured.test(architecture),
    layers,
    embeddingBytes: bytes.embedding,
    outputBytes: bytes.output,
    otherBytes: bytes.other,
    matrixBytes: bytes.matrices
  }

  function feedWidth(): number {
    const names = new Set(tensors.map(({ name }) => name.replace(/^blk\.\d+\./, '')))
    const used = most('expert_used_count')
    const expert = most('expert_feed_forward_length') || most('feed_forward_length')
    // A matrix of its own for the gate, or one of twice the width for both; only encoders go without.
    const dense = names.has('ffn_gate.weight') || !isEncoder ? 3 : 1
    const widths = [
      names.has('ffn_up.weight') || !names.has('ffn_up_exps.weight') ? dense * most('feed_forward_length') : 0,
      names.has('ffn_up_exps.weight') || names.has('ffn_gate_up_exps.weight') ? 3 * used * expert : 0
    ]
    return known(Math.max(...widths)) ?? 0
  }
}

/** Number of tokens the model knows. */
export function vocabularyOf(header: GgufHeader): number {
  const tokens = header.values.get('tokenizer.ggml.tokens')
  return typeof tokens === 'object' && 'arrayLength' in tokens ? tokens.arrayLength : 0
}

function bytesByPlace(tensors: GgufTensor[], layerCount: number) {
  const found = { layers: new Array<number>(layerCount).fill(0), embedding: 0, output: 0, other: 0, matrices: {} as Record<string, number> }
  for (const tensor of tensors) {
    const size = Number(byteLength(tensor))
    const index = Number(/^blk\.(\d{1,4})\./.exec(tensor.name)?.[1] ?? -1)
    if (index >= 0 && index < layerCount) found.layers[index] = (found.layers[index] ?? 0) + size
    else if (tensor.name === 'token_embd.weight') found.embedding += size
    else if (tensor.name === 'output.weight') found.output += size
    else found.other += size
    const isMatrix = tensor.dimensions.length > 1 && tensor.name !== 'token_embd.weight' && (tensor.dimensions[1] ?? 0n) % BigInt(rowsTogether) === 0n
    const type = tensorTypes.get(tensor.type)?.name
    if (isMatrix && type !== undefined) found.matrices[type] = (found.matrices[type] ?? 0) + size
  }
  return found
}
