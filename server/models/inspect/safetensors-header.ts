import { readSync } from 'node:fs'
import { shown } from './gguf-header.ts'
import { parseStrictJson, type StrictJson } from './strict-json.ts'
import { WeightsError } from './weights-error.ts'

/** `start` and `end` count from the start of the data. */
export type SafeTensor = { name: string; dtype: string; shape: number[]; start: number; end: number }
export type SafetensorsHeader = { tensors: SafeTensor[]; metadata: Map<string, string> }

/** The format's own limit; a header that claims more is lying. */
export const safetensorsLimits = { headerBytes: 100_000_000, tensors: 1_000_000, dimensions: 16 } as const

/** Bits of one value. Source: `Dtype` of the safetensors library. */
const bitsOf: ReadonlyMap<string, number> = new Map([
  ['BOOL', 8],
  ['F4', 4],
  ['F6_E2M3', 6],
  ['F6_E3M2', 6],
  ['U8', 8],
  ['I8', 8],
  ['F8_E5M2', 8],
  ['F8_E4M3', 8],
  ['F8_E5M2FNUZ', 8],
  ['F8_E4M3FNUZ', 8],
  ['F8_E8M0', 8],
  ['I16', 16],
  ['U16', 16],
  ['F16', 16],
  ['BF16', 16],
  ['I32', 32],
  ['U32', 32],
  ['F32', 32],
  ['F64', 64],
  ['C64', 64],
  ['I64', 64],
  ['U64', 64]
])

/**
 * Reads and checks the header of a safetensors file: its size, its JSON, and that the tensors fill the data exactly, each with as many bytes as its shape
 * and type make, none over another, no hole between them. Throws `WeightsError`.
 */
export function readSafetensorsHeader(fd: number, fileSize: number): SafetensorsHeader {
  if (fileSize < 10) throw new WeightsError(`is no safetensors file: it has ${fileSize} bytes`)
  const first = Buffer.alloc(8)
  readSync(fd, first, 0, 8, 0)
  const length = first.readBigUInt64LE()
  if (length > BigInt(fileSize - 8)) {
    throw new WeightsError(`is truncated, or no safetensors file: it says that its header has ${length} bytes, and ${fileSize - 8} follow`)
  }
  if (length > BigInt(safetensorsLimits.headerBytes)) {
    throw new WeightsError(`says that its header has ${length} bytes; ${safetensorsLimits.headerBytes} is the limit`)
  }
  const bytes = Buffer.alloc(Number(length))
  if (readSync(fd, bytes, 0, bytes.length, 8) < bytes.length) throw new WeightsError('became shorter while it was being read')
  if (bytes[0] !== 0x7b) throw new WeightsError('is no safetensors file: its header does not begin with "{"')
  const header = parseStrictJson(bytes, 'a header')
  if (!(header instanceof Map)) throw new WeightsError('has a header that is no object')
  const metadata = readMetadata(header.get('__metadata__'))
  header.delete('__metadata__')
  if (header.size > safetensorsLimits.tensors) throw new WeightsError(`has ${header.size} tensors; ${safetensorsLimits.tensors} is the limit`)
  const tensors = [...header].map(([name, about]) => readTensor(name, about))
  checkPlaces(tensors, fileSize - 8 - bytes.length)
  return { tensors, metadata }
}

function readMetadata(value: StrictJson | undefined): Map<string, string> {
  if (value === undefined) return new Map()
  if (!(value instanceof Map)) throw new WeightsError('has metadata that are no object')
  return new Map(
    [...value].map(([key, text]) => {
      if (typeof text !== 'string') throw new WeightsError(`has no text under the metadata ${shown(key)}`)
      return [key, text]
    })
  )
}

function readTensor(name: string, about: StrictJson): SafeTensor {
  const called = `the tensor ${shown(name)}`
  if (!(about instanceof Map)) throw new WeightsError(`says nothing usable about ${called}`)
  const [dtype, shape, offsets] = [about.get('dtype'), about.get('shape'), about.get('data_offsets')]
  const unknown = [...about.keys()].find((key) => !['dtype', 'shape', 'data_offsets'].includes(key))
  if (unknown !== undefined) throw new WeightsError(`has ${shown(unknown)} at ${called}, which does not belong there`)
  const bits = typeof dtype === 'string' ? bitsOf.get(dtype) : undefined
  if (typeof dtype !== 'string' || bits === undefined) {
    throw new WeightsError(`has ${called} in the type ${typeof dtype === 'string' ? shown(dtype) : 'nothing'}, which is not known here`)
  }
  if (!Array.isArray(shape) || shape.length > safetensorsLimits.dimensions || !shape.every(isCount)) {
    throw new WeightsError(`has a shape of ${called} that is none`)
  }
  const [start, end] = Array.isArray(offsets) && offsets.length === 2 ? offsets : []
  if (!isCount(start) || !isCount(end) || end < start) throw new WeightsError(`does not say where ${called} lies`)
  const size = (shape.reduce((product, dimension) => product * BigInt(dimension), 1n) * BigInt(bits) + 7n) / 8n
  if (size !== BigInt(end - start)) throw new WeightsError(`gives ${called} ${end - start} bytes, and its shape and type need ${size}`)
  return { name, dtype, shape, start, end }
}

function checkPlaces(tensors: SafeTensor[], dataBytes: number): void {
  let end = 0
  let previous = ''
  for (const tensor of tensors.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    if (tensor.start < end) throw new WeightsError(`has the tensors ${shown(previous)} and ${shown(tensor.name)} in the same place`)
    if (tensor.start > end) throw new WeightsError(`has a hole of ${tensor.start - end} bytes before the tensor ${shown(tensor.name)}`)
    end = tensor.end
    previous = tensor.name
  }
  if (end > dataBytes) throw new WeightsError(`is truncated, or its header lies: its tensors need ${end} bytes and ${dataBytes} are there`)
  if (end < dataBytes) throw new WeightsError(`has ${dataBytes - end} bytes after its tensors that belong to none`)
}

function isCount(value: StrictJson | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
