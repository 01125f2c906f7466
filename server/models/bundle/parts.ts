import { constants, lstatSync, readdirSync, statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { AppError } from '../../errors.ts'
import { invalidBundle } from './invalid-bundle.ts'

/** The bytes of a bundle, whether it lies in one file or in several. */
export type PartsReader = {
  readonly names: readonly string[]
  readonly sizes: readonly number[]
  readonly length: number
  /** Fills the buffer. Throws `AppError('bundle_invalid')` where the bundle ends before that. */
  read(buffer: Uint8Array, position: number): Promise<void>
  /** For messages: `models.outpost.003 from byte 4096`. */
  placeOf(position: number): string
  [Symbol.asyncDispose](): Promise<void>
}

const partName = /^(.+)\.(\d{3})$/

/** `path` is the bundle, one of its parts, or a folder with one bundle. Throws `AppError('bundle_invalid')`: none, several, a part missing in between, a link. */
export async function openParts(path: string): Promise<PartsReader> {
  const paths = findParts(path)
  const handles: FileHandle[] = []
  const close = async () => {
    for (const handle of handles.splice(0)) await handle.close()
  }
  const sizes: number[] = []
  try {
    for (const part of paths) {
      const handle = await openFile(part)
      handles.push(handle)
      const stat = await handle.stat()
      if (!stat.isFile()) throw invalidBundle(`${part} is no plain file, so it is no bundle`)
      sizes.push(stat.size)
    }
  } catch (error) {
    await close()
    throw error
  }
  const names = paths.map((part) => basename(part))
  const length = sizes.reduce((sum, size) => sum + size, 0)

  function locate(position: number): { index: number; offset: number } {
    let offset = position
    for (const [index, size] of sizes.entries()) {
      if (offset < size || index === sizes.length - 1) return { index, offset }
      offset -= size
    }
    return { index: 0, offset }
  }
  const placeOf = (position: number) => {
    const { index, offset } = locate(position)
    return `${names[index]} from byte ${offset}`
  }
  async function read(buffer: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < buffer.length; ) {
      const { index, offset } = locate(position + done)
      const wanted = Math.min(buffer.length - done, Math.max(0, (sizes[index] ?? 0) - offset))
      const bytesRead = wanted === 0 ? 0 : await readSome(index, buffer, done, wanted, offset)
      if (bytesRead === 0) throw invalidBundle(`The bundle is cut short: ${placeOf(position + done)} there is nothing more`)
      done += bytesRead
    }
  }
  async function readSome(index: number, buffer: Uint8Array, at: number, wanted: number, offset: number): Promise<number> {
    try {
      const { bytesRead } = (await handles[index]?.read(buffer, at, wanted, offset)) ?? { bytesRead: 0 }
      return bytesRead
    } catch (error) {
      // A stick with a bad block answers EIO.
      throw invalidBundle(`${names[index]} cannot be read from byte ${offset}: ${(error as Error).message}`, error)
    }
  }
  return { names, sizes, length, read, placeOf, [Symbol.asyncDispose]: close }
}

/** Paths of the parts in their order. */
function findParts(path: string): string[] {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) throw invalidBundle(`There is no bundle ${path}`)
  if (!stat.isDirectory()) {
    const [, base] = partName.exec(path) ?? []
    return base === undefined ? [path] : partsOf(base)
  }
  const bases = new Set(readdirSync(path).flatMap((name) => /^(.+\.outpost)(?:\.\d{3})?$/.exec(name)?.[1] ?? []))
  const [base, ...others] = [...bases].sort()
  if (base === undefined) throw invalidBundle(`${path} has no bundle: no file in it ends with .outpost or .outpost.001`)
  if (others.length > 0) throw invalidBundle(`${path} has several bundles: ${[base, ...others].join(', ')}. Name one of them`)
  const whole = join(path, base)
  if (lstatSync(whole, { throwIfNoEntry: false }) === undefined) return partsOf(whole)
  if (readdirSync(path).some((name) => name !== base && name.startsWith(`${base}.`) && partName.test(name)))
    throw invalidBundle(`${path} has ${base} both whole and in parts. Name the one that is meant`)
  return [whole]
}

function partsOf(base: string): string[] {
  const name = basename(base)
  const numbers = readdirSync(dirname(base))
    .flatMap((file) => {
      const [, stem, digits] = partName.exec(file) ?? []
      return stem === name ? [Number(digits)] : []
    })
    .sort((a, b) => a - b)
  const missing = numbers.findIndex((number, i) => number !== i + 1)
  if (missing !== -1) throw invalidBundle(`A part of the bundle is missing: ${toPartName(name, missing + 1)}`)
  return numbers.map((number) => toPartName(base, number))
}

export function toPartName(base: string, number: number): string {
  return `${base}.${String(number).padStart(3, '0')}`
}

async function openFile(path: string): Promise<FileHandle> {
  // Not only O_NOFOLLOW, which Windows lacks. And without O_NONBLOCK the opening of a pipe waits for ever.
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) throw isLink(path)
  try {
    return await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') throw isLink(path)
    throw invalidBundle(`${path} cannot be opened: ${(error as Error).message}`, error)
  }
}

function isLink(path: string): AppError {
  return invalidBundle(`${path} is a link; a bundle must lie where it is named`)
}
