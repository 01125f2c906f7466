import type { ModelShape, WeightsDescription } from '#contracts/weights.ts'
import { printable } from './gguf-description.ts'
import { shown } from './gguf-header.ts'
import type { SafeTensor } from './safetensors-header.ts'
import type { StrictJson } from './strict-json.ts'
import { describeTemplate } from './template-kind.ts'
import { WeightsError } from './weights-error.ts'

export type SafetensorsPart = { name: string; tensors: SafeTensor[] }

/** What lies beside the tensors: `undefined` where a file is not there. */
export type Companions = {
  config: StrictJson | undefined
  index: StrictJson | undefined
  tokenizerConfig: StrictJson | undefined
  /** Text of chat_template.jinja. */
  template: string | undefined
  readme: string | undefined
  isSentenceTransformer: boolean
}

/** Sees that index and parts say the same: every tensor in one part, the one the index names, and none besides. Throws `WeightsError`. */
export function checkIndex(parts: readonly SafetensorsPart[], index: StrictJson | undefined): void {
  const places = new Map<string, string>()
  for (const { name, tensors } of parts) {
    for (const tensor of tensors) {
      const other = places.get(tensor.name)
      if (other !== undefined) throw new WeightsError(`has the tensor ${shown(tensor.name)} in ${shown(other)} and in ${shown(name)}`)
      places.set(tensor.name, name)
    }
  }
  if (index === undefined) {
    if (parts.length > 1) throw new WeightsError(`has ${parts.length} safetensors files and no model.safetensors.index.json that says what is where`)
    return
  }
  const map = field(index, 'weight_map')
  if (!(map instanceof Map)) throw new WeightsError('has an index without a weight_map')
  for (const [tensor, file] of map) {
    const place = places.get(tensor)
    if (place === undefined) throw new WeightsError(`lacks the tensor ${shown(tensor)}, which its index has in ${shown(String(file))}`)
    if (place !== file) throw new WeightsError(`has the tensor ${shown(tensor)} in ${shown(place)}, and its index in ${shown(String(file))}`)
  }
  const extra = [...places.keys()].find((tensor) => !map.has(tensor))
  if (extra !== undefined) throw new WeightsError(`has the tensor ${shown(extra)}, which its index does not name`)
}

/** Tensors that were checked, and what the files beside them say, in words. */
export function describeSafetensors(
  parts: readonly SafetensorsPart[],
  companions: Companions,
  files: WeightsDescription['files']
): WeightsDescription {
  const tensors = parts.flatMap((part) => part.tensors)
  const { config, tokenizerConfig } = companions
  const parameters = tensors.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0)
  if (!Number.isSafeInteger(parameters)) throw new WeightsError(`says that it has ${parameters} parameters`)
  const architecture = printable(firstText(field(config, 'architectures')) ?? asText(field(config, 'model_type'))) ?? 'unknown'
  const isEmbedding = companions.isSentenceTransformer || (/Model$/.test(architecture) && !/(LMHead|ForCausalLM)/.test(architecture))
  const template = asText(field(tokenizerConfig, 'chat_template')) ?? companions.template
  const tokens = count(config, 'vocab_size')
  return {
    format: 'safetensors',
    files,
    architecture,
    name: printable(asText(field(config, '_name_or_path'))),
    licence: licenceOf(companions.readme),
    contextLength: count(config, 'max_position_embeddings', 'n_positions', 'max_sequence_length', 'seq_length', 'n_ctx') ?? null,
    embeddingLength: count(config, 'hidden_size', 'n_embd', 'd_model') ?? null,
    parameters,
    quantisation: quantisationOf(config, tensors),
    isEmbedding,
    pooling: null,
    template: template === undefined ? null : describeTemplate(template),
    tokenizer: tokens === undefined ? null : { kind: printable(asText(field(tokenizerConfig, 'tokenizer_class'))) ?? 'unknown', tokens },
    tensorCount: tensors.length,
    tensorBytes: tensors.reduce((sum, { start, end }) => sum + end - start, 0),
    shape: shapeOf(config, tensors, isEmbedding) ?? null
  }
}

/** As an engine for these files has it: every layer alike. Not measured, so rough. */
function shapeOf(config: StrictJson | undefined, tensors: SafeTensor[], isEncoder: boolean): ModelShape | undefined {
  const layerCount = count(config, 'num_hidden_layers', 'n_layer', 'num_layers')
  const embedding = count(config, 'hidden_size', 'n_embd', 'd_model')
  const heads = count(config, 'num_attention_heads', 'n_head')
  const vocabulary = count(config, 'vocab_size')
  if (layerCount === undefined || layerCount > 1024 || embedding === undefined || heads === undefined || vocabulary === undefined) return undefined
  const headLength = count(config, 'head_dim') ?? Math.floor(embedding / heads)
  const latent = count(config, 'kv_lora_rank')
  const keyValues = (count(config, 'num_key_value_heads') ?? heads) * headLength
  const sizeOf = (some: SafeTensor[]) => some.reduce((sum, { start, end }) => sum + end - start, 0)
  const isTable = ({ name }: SafeTensor) => /embed_tokens|wte|word_embeddings/.test(name)
  const isOutput = ({ name }: SafeTensor) => /^lm_head/.test(name)
  const [embeddingBytes, outputBytes] = [sizeOf(tensors.filter(isTable)), sizeOf(tensors.filter(isOutput))]
  const inLayers = sizeOf(tensors) - embeddingBytes - outputBytes
  const keys = latent === undefined ? keyValues : latent + (count(config, 'qk_rope_head_dim') ?? 0)
  const layer = {
    bytes: Math.floor(inLayers / layerCount),
    keys: isEncoder ? 0 : keys,
    values: isEncoder || latent !== undefined ? 0 : keyValues,
    isWindowed: false,
    state: 0
  }
  const used = count(config, 'num_experts_per_tok')
  const expert = count(config, 'moe_intermediate_size', 'intermediate_size') ?? embedding * 4
  return {
    vocabulary,
    embedding,
    feed: used === undefined ? 3 * (count(config, 'intermediate_size', 'n_inner') ?? embedding * 4) : 3 * used * expert,
    heads,
    query: heads * headLength,
    keys,
    values: latent ?? keyValues,
    window: 0,
    hasFlashAttention: true,
    isLatent: latent !== undefined,
    isEncoder,
    isRough: true,
    layers: Array.from({ length: layerCount }, () => layer),
    embeddingBytes,
    outputBytes,
    otherBytes: inLayers - layer.bytes * layerCount,
    matrixBytes: {}
  }
}

function quantisationOf(config: StrictJson | undefined, tensors: SafeTensor[]): string | null {
  const settings = field(config, 'quantization_config')
  const method = asText(field(settings, 'quant_method'))
  const bits = field(settings, 'bits')
  if (method !== undefined) return printable(typeof bits === 'number' ? `${method} ${bits}-bit` : method)
  const bytes = new Map<string, number>()
  for (const { dtype, start, end } of tensors) bytes.set(dtype, (bytes.get(dtype) ?? 0) + end - start)
  return [...bytes].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null
}

/** `license:` of the front matter, as model cards have it. */
function licenceOf(readme: string | undefined): string | null {
  const matter = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---/.exec(readme ?? '')?.[1]
  const line = (key: string) => new RegExp(`^${key}:[ \\t]*["']?([^"'\\r\\n#]+)`, 'm').exec(matter ?? '')?.[1]?.trim()
  const licence = line('license')
  return printable(licence === 'other' ? (line('license_name') ?? licence) : licence)
}

/** A whole number of 1 or more under the first of `keys` that has one; models with pictures keep those of their text apart. */
function count(config: StrictJson | undefined, ...keys: string[]): number | undefined {
  for (const from of [config, field(config, 'text_config')]) {
    for (const key of keys) {
      const value = field(from, key)
      if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 2 ** 31) return value
    }
  }
  return undefined
}

function field(value: StrictJson | undefined, key: string): StrictJson | undefined {
  return value instanceof Map ? value.get(key) : undefined
}

function asText(value: StrictJson | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function firstText(value: StrictJson | undefined): string | undefined {
  return Array.isArray(value) ? asText(value[0]) : undefined
}
