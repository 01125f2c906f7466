import { readSync } from 'node:fs'
import { WeightsError } from './weights-error.ts'

/** What is wrong with a GGUF header, in words that follow the file's name. */
export class GgufError extends WeightsError {
  override readonly name = 'GgufError'
}

/** A tensor as the header describes it; `offset` counts from the start of the data. */
export type GgufTensor = { name: string; dimensions: bigint[]; type: number; offset: bigint }

/** Scalars of the header as they are; of an array its length, and its items when they are few numbers; of a text longer than 1 MiB nothing. */
export type GgufValue = number | bigint | boolean | string | { arrayLength: number; numbers?: number[] } | { tooLong: number }
export type GgufHeader = { version: number; values: Map<string, GgufValue>; tensors: GgufTensor[] /** Bytes. */; length: number }

/** Far above every model there is; a header that claims more is lying, and reading it would be the damage. */
export const ggufLimits = {
  headerBytes: 128 * 1024 * 1024,
  keys: 65_536,
  keyBytes: 65_535,
  keptTextBytes: 1024 * 1024,
  arrayItems: 16 * 1024 * 1024,
  /** One number a layer is what arrays that matter here hold. */
  keptArrayItems: 1024,
  tensors: 1_000_000,
  tensorNameBytes: 1024,
  dimensions: 4
} as const

/**
 * Reads the header of a GGUF file (version 2 or 3, little-endian) through one small buffer: no allocation follows a count from the file,
 * and every length is held against the rest of the file first. Throws `GgufError`.
 * Source: docs/gguf.md of ggml.
 */
export function readGgufHeader(fd: number, fileSize: number): GgufHeader {
  const cursor = createCursor(fd, Math.min(fileSize, ggufLimits.headerBytes), fileSize)
  if (fileSize < 24) throw new GgufError(`is no GGUF file: it has ${fileSize} bytes, a header alone takes 24`)
  const magic = cursor.bytes(4).toString('latin1')
  if (magic !== 'GGUF') throw new GgufError(`is no GGUF file: it starts with ${JSON.stringify(magic)}, not "GGUF"`)
  const version = cursor.u32()
  if (version === 0x02000000 || version === 0x03000000) throw new GgufError('is a big-endian GGUF file; only little-endian ones are supported')
  if (version !== 2 && version !== 3) throw new GgufError(`has GGUF version ${version}; versions 2 and 3 are supported`)
  const tensorCount = cursor.count('tensors', 32, ggufLimits.tensors)
  const keyCount = cursor.count('keys', 13, ggufLimits.keys)

  const values = new Map<string, GgufValue>()
  for (let index = 0; index < keyCount; index++) {
    const key = cursor.text(`key ${index}`, ggufLimits.keyBytes)
    if (values.has(key)) throw new GgufError(`has the key ${shown(key)} twice`)
    values.set(key, readValue(cursor, key))
  }
  const tensors: GgufTensor[] = []
  const names = new Set<string>()
  for (let index = 0; index < tensorCount; index++) {
    const name = cursor.text(`name of tensor ${index}`, ggufLimits.tensorNameBytes)
    if (names.has(name)) throw new GgufError(`has the tensor ${shown(name)} twice`)
    names.add(name)
    const dimensionCount = cursor.u32()
    if (dimensionCount < 1 || dimensionCount > ggufLimits.dimensions) {
      throw new GgufError(`says that the tensor ${shown(name)} has ${dimensionCount} dimensions; 1–${ggufLimits.dimensions} are possible`)
    }
    const dimensions: bigint[] = []
    for (let d = 0; d < dimensionCount; d++) dimensions.push(cursor.u64())
    tensors.push({ name, dimensions, type: cursor.u32(), offset: cursor.u64() })
  }
  return { version, values, tensors, length: cursor.position() }
}

/** A name from an untrusted file, safe to print. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}

const scalarBytes: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 4],
  [5, 4],
  [6, 4],
  [7, 1],
  [10, 8],
  [11, 8],
  [12, 8]
])
const textType = 8
const arrayType = 9

function readValue(cursor: Cursor, key: string): GgufValue {
  const type = cursor.u32()
  if (type === textType) return cursor.keptText(`the value of ${shown(key)}`)
  if (type !== arrayType) return readScalar(cursor, type, key)
  const itemType = cursor.u32()
  const itemBytes = itemType === textType ? 8 : scalarBytes.get(itemType)
  if (itemBytes === undefined) throw new GgufError(`has an array of the unknown type ${itemType} under ${shown(key)}`)
  const length = cursor.count(`items of ${shown(key)}`, itemBytes, ggufLimits.arrayItems)
  if (itemType === textType) for (let index = 0; index < length; index++) cursor.skip(cursor.length(`item ${index} of ${shown(key)}`))
  else if (length <= ggufLimits.keptArrayItems) {
    return { arrayLength: length, numbers: Array.from({ length }, () => Number(readScalar(cursor, itemType, key))) }
  } else cursor.skip(length * itemBytes)
  return { arrayLength: length }
}

function readScalar(cursor: Cursor, type: number, key: string): number | bigint | boolean {
  const size = scalarBytes.get(type)
  if (size === undefined) throw new GgufError(`has a value of the unknown type ${type} under ${shown(key)}`)
  const bytes = cursor.bytes(size)
  if (type === 7) return bytes[0] !== 0
  if (type === 6) return bytes.readFloatLE()
  if (type === 12) return bytes.readDoubleLE()
  if (type === 10) return bytes.readBigUInt64LE()
  if (type === 11) return bytes.readBigInt64LE()
  const isSigned = type === 1 || type === 3 || type === 5
  return isSigned ? bytes.readIntLE(0, size) : bytes.readUIntLE(0, size)
}

type Cursor = ReturnType<typeof createCursor>

function createCursor(fd: number, limit: number, fileSize: number) {
  const buffer = Buffer.alloc(64 * 1024)
  let bufferStart = 0
  let bufferLength = 0
  let position = 0

  function need(size: number): void {
    if (position + size <= limit) return
    if (limit < fileSize) throw new GgufError(`has a header of more than ${limit} bytes`)
    throw new GgufError(`is truncated inside its header: it needs at least ${position + size} bytes and has ${fileSize}`)
  }
  /** Valid until the next read. */
  function bytes(size: number): Buffer {
    need(size)
    if (position < bufferStart || position + size > bufferStart + bufferLength) {
      bufferStart = position
      bufferLength = readSync(fd, buffer, 0, buffer.length, position)
      if (bufferLength < size) throw new GgufError('became shorter while it was being read')
    }
    const from = position - bufferStart
    position += size
    return buffer.subarray(from, from + size)
  }
  function skip(size: number): void {
    need(size)
    position += size
  }
  const u32 = () => bytes(4).readUInt32LE()
  const u64 = () => bytes(8).readBigUInt64LE()
  /** A count whose items take `least` bytes each or more. */
  function count(what: string, least: number, most: number): number {
    const value = u64()
    const possible = BigInt(Math.floor((fileSize - position) / least))
    if (value > possible) throw new GgufError(`says it has ${value} ${what}, but its ${fileSize} bytes hold ${possible} at most`)
    if (value > BigInt(most)) throw new GgufError(`says it has ${value} ${what}; ${most} is the limit`)
    return Number(value)
  }
  /** Length of a text that follows. */
  function length(what: string): number {
    const value = u64()
    if (value > BigInt(fileSize - position)) {
      throw new GgufError(`says that ${what} is ${value} bytes long, but only ${fileSize - position} bytes follow`)
    }
    return Number(value)
  }
  function text(what: string, most: number): string {
    const size = length(what)
    if (size > most) throw new GgufError(`says that ${what} is ${size} bytes long; ${most} is the limit`)
    if (size <= buffer.length) return bytes(size).toString('utf8')
    // Larger than the buffer, and at most `most`, which is ours and not the file's.
    need(size)
    const whole = Buffer.alloc(size)
    if (readSync(fd, whole, 0, size, position) < size) throw new GgufError('became shorter while it was being read')
    position += size
    return whole.toString('utf8')
  }
  function keptText(what: string): string | { tooLong: number } {
    const start = position
    const size = length(what)
    if (size > ggufLimits.keptTextBytes) {
      skip(size)
      return { tooLong: size }
    }
    position = start
    return text(what, ggufLimits.keptTextBytes)
  }
  return { bytes, skip, u32, u64, count, length, text, keptText, position: () => position }
}
