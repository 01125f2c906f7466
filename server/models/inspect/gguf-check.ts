import { GgufError, type GgufHeader, type GgufTensor, type GgufValue, shown } from './gguf-header.ts'
import { tensorTypes } from './gguf-types.ts'

/** Sees that every tensor lies inside the file, aligned, and over no other one. Throws `GgufError`. */
export function checkTensors(header: GgufHeader, fileSize: number): void {
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

/** Bytes of a tensor's data. Throws `GgufError` when its type is unknown or its shape impossible. */
export function byteLength(tensor: GgufTensor): bigint {
  const type = tensorTypes.get(tensor.type)
  if (type === undefined) throw new GgufError(`has the tensor ${shown(tensor.name)} in the type ${tensor.type}, which is not known here`)
  const values = valuesOf(tensor)
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

/** Number of a tensor's weights. */
export function valuesOf(tensor: GgufTensor): bigint {
  return tensor.dimensions.reduce((product, size) => product * size, 1n)
}

export function inWords(value: GgufValue | undefined): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'object') return 'arrayLength' in value ? `a list of ${value.arrayLength}` : `a text of ${value.tooLong} bytes`
  return typeof value === 'string' ? shown(value) : String(value)
}

function alignmentOf(header: GgufHeader): number {
  const alignment = header.values.get('general.alignment') ?? 32
  if (typeof alignment === 'number' && alignment >= 1 && alignment <= 65_536 && Number.isInteger(Math.log2(alignment))) return alignment
  throw new GgufError(`has the alignment ${inWords(alignment)}; a power of two up to 65536 is possible`)
}
