import { closeSync, fstatSync, openSync } from 'node:fs'
import { AppError } from '../errors.ts'
import { GgufError, type GgufHeader, type GgufTensor, type GgufValue, readGgufHeader, shown } from './gguf-header.ts'
import { fileTypes, type Pooling, poolingTypes, tensorTypes } from './gguf-types.ts'

/** What the header of a GGUF file says about its model. */
export type GgufDescription = {
  architecture: string
  name: string | undefined
  /** SPDX id, as the file states it. */
  licence: string | undefined
  /** Tokens. */
  contextLength: number
  embeddingLength: number
  /** Number of weights, counted over the tensors. */
  parameters: number
  chatTemplate: string | undefined
  pooling: Pooling | undefined
  /** Made for embeddings, and useless for chat. */
  isEmbedding: boolean
  /** `Q4_K_M` and the like. */
  fileType: string | undefined
  tensorCount: number
}

/**
 * Checks a GGUF file before native code sees it: header, counts, lengths, and that every tensor lies inside the file, aligned, and over no other one.
 * Reads only the header, so the size of the file does not matter. Throws `AppError('weights_corrupt')` saying what is wrong.
 */
export function inspectGguf(path: string): GgufDescription {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    throw new AppError('weights_unavailable', `${path} cannot be opened: ${(error as Error).message}`, { cause: error })
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw new GgufError('is not a file')
    const header = readGgufHeader(fd, stat.size)
    checkTensors(header, stat.size)
    return describe(header)
  } catch (error) {
    if (!(error instanceof GgufError)) throw error
    throw new AppError('weights_corrupt', `${path} ${error.message}. It was not loaded; remove it and get it again.`, { cause: error })
  } finally {
    closeSync(fd)
  }
}

function checkTensors(header: GgufHeader, fileSize: number): void {
  const alignment = alignmentOf(header)
  const dataStart = Math.ceil(header.length / alignment) * alignment
  const extents = header.tensors
    .map((tensor) => ({ name: tensor.name, start: tensor.offset, end: tensor.offset + byteLength(tensor) }))
    .sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0))
  let previous: (typeof extents)[number] | undefined
  for (const extent of extents) {
    if (extent.start % BigInt(alignment) !== 0n) {
      throw new GgufError(`has the tensor ${shown(extent.name)} at ${extent.start}, which is no multiple of the alignment ${alignment}`)
    }
    if (previous !== undefined && extent.start < previous.end) {
      throw new GgufError(`has the tensors ${shown(previous.name)} and ${shown(extent.name)} in the same place`)
    }
    previous = extent
  }
  const needed = BigInt(dataStart) + (previous?.end ?? 0n)
  if (needed > BigInt(fileSize)) throw new GgufError(`is truncated, or its header lies: it needs ${needed} bytes and has ${fileSize}`)
}

function alignmentOf(header: GgufHeader): number {
  const alignment = header.values.get('general.alignment') ?? 32
  if (typeof alignment === 'number' && alignment >= 1 && alignment <= 65_536 && Number.isInteger(Math.log2(alignment))) return alignment
  throw new GgufError(`has the alignment ${inWords(alignment)}; a power of two up to 65536 is possible`)
}

function byteLength(tensor: GgufTensor): bigint {
  const type = tensorTypes.get(tensor.type)
  if (type === undefined) throw new GgufError(`has the tensor ${shown(tensor.name)} in the type ${tensor.type}, which is not known here`)
  const values = tensor.dimensions.reduce((product, size) => product * size, 1n)
  if (values < 1n || values > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new GgufError(`says that the tensor ${shown(tensor.name)} has the shape ${tensor.dimensions.join(' × ')}`)
  }
  if ((tensor.dimensions[0] ?? 0n) % BigInt(type.block) !== 0n) {
    throw new GgufError(
      `has rows of ${tensor.dimensions[0]} values in the tensor ${shown(tensor.name)}; ${type.name} needs a multiple of ${type.block}`
    )
  }
  return (values / BigInt(type.block)) * BigInt(type.bytes)
}

function describe(header: GgufHeader): GgufDescription {
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
  const architecture = text('general.architecture')
  if (architecture === undefined) throw new GgufError('does not say which architecture it has (general.architecture)')
  const pooling = poolingTypes.get(wholeNumber(`${architecture}.pooling_type`) ?? -1)
  return {
    architecture,
    name: printable(text('general.name')),
    licence: printable(text('general.license')),
    contextLength: sizeIn(`${architecture}.context_length`),
    embeddingLength: sizeIn(`${architecture}.embedding_length`),
    parameters: Number(header.tensors.reduce((sum, tensor) => sum + tensor.dimensions.reduce((product, size) => product * size, 1n), 0n)),
    chatTemplate: text('tokenizer.chat_template'),
    pooling,
    isEmbedding: pooling === 'mean' || pooling === 'cls' || pooling === 'last' || encoderOnly.has(architecture),
    fileType: fileTypes.get(wholeNumber('general.file_type') ?? -1),
    tensorCount: header.tensors.length
  }
}

/** Architectures without a decoder, whatever their header says about pooling. */
const encoderOnly = new Set(['bert', 'nomic-bert', 'nomic-bert-moe', 'jina-bert-v2', 'jina-bert-v3', 'modern-bert', 'neo-bert', 't5encoder'])

/** What a stranger wrote into the file ends up in lists and terminals. */
function printable(value: string | undefined): string | undefined {
  const clean = value?.replace(/[\p{Cc}\p{Cf}]/gu, '').slice(0, 200)
  return clean === '' ? undefined : clean
}

function inWords(value: GgufValue | undefined): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'object') return 'arrayLength' in value ? `a list of ${value.arrayLength}` : `a text of ${value.tooLong} bytes`
  return typeof value === 'string' ? shown(value) : String(value)
}
