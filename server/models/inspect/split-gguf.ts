import { basename } from 'node:path'
import { parsePartName, partNames } from '../split-name.ts'
import { GgufError, type GgufHeader, type GgufTensor, shown } from './gguf-header.ts'

/** `model-00002-of-00003.gguf` → its names in order; undefined: not the name of a part. */
export function namesOfParts(fileName: string): string[] | undefined {
  const part = parsePartName(basename(fileName))
  return part === undefined || part.number < 1 || part.number > part.count ? undefined : partNames(part)
}

/** Sees that the parts are those of one model, all of them and in order, and that no tensor is in two. Answers the tensors of all. Throws `GgufError`. */
export function joinParts(parts: readonly { name: string; header: GgufHeader }[]): GgufTensor[] {
  const [first] = parts
  if (first === undefined) throw new GgufError('has no parts')
  const number = (header: GgufHeader, key: string) => {
    const value = header.values.get(key)
    return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined
  }
  const count = number(first.header, 'split.count') ?? 1
  if (count !== parts.length && (count > 1 || parts.length > 1)) {
    throw new GgufError(`is one of ${count} parts by its header, and ${parts.length} ${parts.length === 1 ? 'is' : 'are'} here`)
  }
  const seen = new Map<string, string>()
  for (const [index, { name, header }] of parts.entries()) {
    if (parts.length > 1 && (number(header, 'split.count') !== count || number(header, 'split.no') !== index)) {
      throw new GgufError(
        `does not belong together: ${shown(name)} says it is part ${(number(header, 'split.no') ?? -1) + 1} of ${number(header, 'split.count') ?? 1}`
      )
    }
    for (const tensor of header.tensors) {
      const other = seen.get(tensor.name)
      if (other !== undefined) throw new GgufError(`has the tensor ${shown(tensor.name)} in ${shown(other)} and in ${shown(name)}`)
      seen.set(tensor.name, name)
    }
  }
  const stated = number(first.header, 'split.tensors.count')
  if (stated !== undefined && stated !== seen.size) throw new GgufError(`says that all parts have ${stated} tensors; ${seen.size} are here`)
  return parts.flatMap(({ header }) => header.tensors)
}
