import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { WeightsDescription } from '#contracts/weights.ts'
import { AppError } from '../../errors.ts'
import { checkTensors } from './gguf-check.ts'
import { describeGguf } from './gguf-description.ts'
import { type GgufHeader, readGgufHeader, shown } from './gguf-header.ts'
import { refusePickle, refusePickleName } from './pickle.ts'
import { type Companions, checkIndex, describeSafetensors } from './safetensors-description.ts'
import { readSafetensorsHeader } from './safetensors-header.ts'
import { joinParts, namesOfParts } from './split-gguf.ts'
import { parseStrictJson, type StrictJson } from './strict-json.ts'
import { WeightsError } from './weights-error.ts'

/** A file of a model: the name it has in the model, and where it lies, which may be under another name. */
export type WeightsFile = { name: string; path: string }

/** Configuration and model card; a tokenizer is larger, and is not read. */
const companionBytes = 8 * 1024 * 1024
/** Read or passed over, but no reason to refuse a model. */
const companionName = /\.(json|md|jinja|txt|model|tiktoken)$|^(licen[cs]e|readme|notice|use_policy)/i

/**
 * Reads and checks the headers of a model's files before native code sees them. Only headers are read, so their size does not matter; it blocks, and a
 * file made for it may take it down, so it runs in a process of its own: `inspectWeights` sees to that.
 * Throws `AppError`: `weights_corrupt` saying what is wrong with which file, `weights_unavailable`.
 */
export function readWeights(files: readonly WeightsFile[]): WeightsDescription {
  const [first] = files
  if (first === undefined) throw new AppError('invalid_request', 'No file of weights was named.')
  for (const file of files) opened(file, () => refusePickleName(file.name))
  const formats = files.map((file) => opened(file, (fd, size) => formatOf(fd, size, file.name)))
  const of = (format: Format) => files.filter((_, index) => formats[index] === format)
  const [gguf, safetensors, companions] = [of('gguf'), of('safetensors'), of('companion')]
  if (gguf.length > 0) return readGguf(gguf)
  if (safetensors.length > 0) return readSafetensors(safetensors, companions)
  return opened(first, () => {
    throw new WeightsError('has no weights in it')
  })
}

type Format = 'gguf' | 'safetensors' | 'companion'

function formatOf(fd: number, size: number, name: string): Format {
  const head = Buffer.alloc(Math.min(size, 16))
  readSync(fd, head, 0, head.length, 0)
  if (head.toString('latin1', 0, 4) === 'GGUF' || /\.gguf$/i.test(name)) return 'gguf'
  refusePickle(fd)
  if (/\.safetensors$/i.test(name) || (head[8] === 0x7b && head.readBigUInt64LE() <= BigInt(size))) return 'safetensors'
  if (companionName.test(name)) return 'companion'
  throw new WeightsError(`is neither GGUF nor safetensors: it starts with ${shown(head.toString('latin1'))}`)
}

function readGguf(files: readonly WeightsFile[]): WeightsDescription {
  const names = namesOfParts(files[0]?.name ?? '')
  const ordered = names === undefined ? files : files.toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
  const [first] = ordered
  if (first === undefined) throw new AppError('internal_error', 'No GGUF file was given.')
  const parts: { name: string; size: number; header: GgufHeader }[] = ordered.map((file) =>
    opened(file, (fd, size) => {
      const header = readGgufHeader(fd, size)
      checkTensors(header, size)
      return { name: file.name, size, header }
    })
  )
  return opened(first, () => {
    const missing = names?.filter((name) => !parts.some((part) => part.name === name)) ?? []
    if (missing.length > 0)
      throw new WeightsError(`is one of ${names?.length} parts, and ${missing.map(shown).join(', ')} ${missing.length === 1 ? 'is' : 'are'} not here`)
    const tensors = joinParts(parts)
    const [{ header } = parts[0] as (typeof parts)[number]] = parts
    return describeGguf(
      header,
      parts.map(({ name, size }) => ({ name, size })),
      tensors
    )
  })
}

function readSafetensors(files: readonly WeightsFile[], beside: readonly WeightsFile[]): WeightsDescription {
  const first = files[0] as WeightsFile // The caller has one.
  const parts = files.map((file) => opened(file, (fd, size) => ({ name: file.name, size, tensors: readSafetensorsHeader(fd, size).tensors })))
  const text = (name: string): Buffer | undefined => {
    const file = beside.find((other) => other.name === name)
    return file === undefined
      ? undefined
      : opened(file, (fd, size) => {
          if (size > companionBytes) throw new WeightsError(`has ${size} bytes; ${companionBytes} is the limit`)
          const bytes = Buffer.alloc(size)
          readSync(fd, bytes, 0, size, 0)
          return bytes
        })
  }
  const json = (name: string): StrictJson | undefined => {
    const file = beside.find((other) => other.name === name)
    const bytes = text(name)
    return file === undefined || bytes === undefined ? undefined : opened(file, () => parseStrictJson(bytes, 'JSON'))
  }
  const companions: Companions = {
    config: json('config.json'),
    index: json('model.safetensors.index.json'),
    tokenizerConfig: json('tokenizer_config.json'),
    template: text('chat_template.jinja')?.toString('utf8'),
    readme: text('README.md')?.toString('utf8'),
    isSentenceTransformer: beside.some(({ name }) => name === 'modules.json')
  }
  return opened(first, () => {
    checkIndex(parts, companions.index)
    return describeSafetensors(
      parts,
      companions,
      parts.map(({ name, size }) => ({ name, size }))
    )
  })
}

/** Runs `read` with the open file, and says of which file it is what it finds wrong. */
function opened<T>({ name, path }: WeightsFile, read: (fd: number, size: number) => T): T {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    throw new AppError('weights_unavailable', `${path} cannot be opened: ${(error as Error).message}`, { cause: error })
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw new WeightsError('is not a file')
    return read(fd, stat.size)
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error
    const which = path.endsWith(name) ? path : `${name} (${path})`
    throw new AppError('weights_corrupt', `${which} ${error.message}. It was not loaded; remove it and get it again.`, { cause: error })
  } finally {
    closeSync(fd)
  }
}
