import type { WeightsDescription } from '#contracts/weights.ts'
import { byteLength, inWords, valuesOf } from './gguf-check.ts'
import { GgufError, type GgufHeader, type GgufTensor, shown } from './gguf-header.ts'
import { encoders, shapeOf, vocabularyOf } from './gguf-shape.ts'
import { fileTypes, poolingTypes, tensorTypes } from './gguf-types.ts'
import { describeTemplate } from './template-kind.ts'

/** A checked header in words. `tensors`: of all parts where the model is split. Throws `GgufError` when it lacks what the engine needs. */
export function describeGguf(header: GgufHeader, files: WeightsDescription['files'], tensors: GgufTensor[] = header.tensors): WeightsDescription {
  const { values } = header
  const text = (key: string) => {
    const value = values.get(key)
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const wholeNumber = (key: string) => {
    const value = values.get(key)
    return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined
  }
  const sizeIn = (key: string) => {
    const value = wholeNumber(key)
    if (value !== undefined && Number.isInteger(value) && value >= 1 && value <= 0x7fffffff) return value
    throw new GgufError(`has ${inWords(values.get(key))} under ${shown(key)}, where a whole number of 1 or more belongs`)
  }
  const architecture = printable(text('general.architecture'))
  if (architecture === null) throw new GgufError('does not say which architecture it has (general.architecture)')
  const pooling = poolingTypes.get(wholeNumber(`${architecture}.pooling_type`) ?? -1) ?? null
  const parameters = tensors.reduce((sum, tensor) => sum + valuesOf(tensor), 0n)
  if (parameters > BigInt(Number.MAX_SAFE_INTEGER)) throw new GgufError(`says that it has ${parameters} parameters`)
  const template = values.get('tokenizer.chat_template')
  const tokens = vocabularyOf(header)
  return {
    format: 'gguf',
    files,
    architecture,
    name: printable(text('general.name')),
    licence: printable(text('general.license')),
    contextLength: sizeIn(`${architecture}.context_length`),
    embeddingLength: sizeIn(`${architecture}.embedding_length`),
    parameters: Number(parameters),
    quantisation: fileTypes.get(wholeNumber('general.file_type') ?? -1) ?? commonType(tensors),
    isEmbedding: pooling === 'mean' || pooling === 'cls' || pooling === 'last' || encoders.has(architecture),
    pooling,
    template: template === undefined ? null : describeTemplate(typeof template === 'string' ? template : ''),
    tokenizer: tokens === 0 ? null : { kind: printable(text('tokenizer.ggml.model')) ?? 'unknown', tokens },
    tensorCount: tensors.length,
    tensorBytes: tensors.reduce((sum, tensor) => sum + Number(byteLength(tensor)), 0),
    shape: shapeOf(header, tensors) ?? null
  }
}

/** What a stranger wrote into a file ends up in lists and terminals. */
export function printable(value: string | undefined): string | null {
  const clean = value?.replace(/[\p{Cc}\p{Cf}]/gu, '').slice(0, 200)
  return clean === undefined || clean === '' ? null : clean
}

/** The type that most bytes are in. */
function commonType(tensors: GgufTensor[]): string | null {
  const bytes = new Map<number, number>()
  for (const tensor of tensors) bytes.set(tensor.type, (bytes.get(tensor.type) ?? 0) + Number(byteLength(tensor)))
  const [most] = [...bytes].sort((a, b) => b[1] - a[1])
  return most === undefined ? null : (tensorTypes.get(most[0])?.name ?? null)
}
