import type { BundleManifest } from '#contracts/bundle.ts'
import type { AppError } from '../../errors.ts'
import { invalidBundle } from './invalid-bundle.ts'
import { pathOf } from './layout.ts'

const maxLicence = 1024 * 1024
const maxName = 100
/** Of all files together: far from where numbers stop being exact. Bytes. */
const maxTotal = 2 ** 50
const maxParts = 999
/** Devices on Windows, with whatever ending. */
const reserved = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i

/** What a schema cannot say: that models, files and licences belong together, and nothing is there twice. Throws `AppError('bundle_invalid')`. */
export function checkContents({ models, licences, files, parts, chunkSize }: BundleManifest): void {
  const total = files.reduce((sum, { size }) => sum + size, 0)
  if (total > maxTotal) throw invalid(`speaks of ${total} bytes of files`)
  if (parts !== null && total > parts.size * maxParts) throw invalid(`speaks of more than ${maxParts} parts`)
  if (chunkSize % 4096 !== 0) throw invalid(`has chunks of ${chunkSize} bytes, which is no multiple of 4096`)
  const twice = firstTwice(files.map((file) => pathOf(file).toLowerCase())) ?? firstTwice(models.map(({ id }) => id))
  if (twice !== undefined) throw invalid(`has ${twice} twice`)
  for (const { kind, name, size } of files) {
    if (reserved.test(name) || name.endsWith('.')) throw invalid(`has a file with the name ${name}, which not every system can have`)
    if (kind === 'licence' && (size > maxLicence || !name.endsWith('.txt'))) throw invalid(`has a licence ${name} of ${size} bytes, which is no text`)
  }
  const weights = new Map(files.filter(({ kind }) => kind === 'weights').map((file) => [file.sha256, file]))
  const used = new Set<string>()
  for (const model of models) {
    if (model.id.length > maxName) throw invalid('has a model whose id is too long')
    if (model.files.length === 0) throw invalid(`has the model ${model.id} without a file`)
    for (const { name, size, sha256 } of model.files) {
      if (weights.get(sha256)?.size !== size) throw invalid(`lacks the file ${name} of ${model.id}`)
      used.add(sha256)
    }
  }
  const unused = [...weights.values()].find(({ sha256 }) => !used.has(sha256))
  if (unused !== undefined) throw invalid(`has the file ${unused.name}, which belongs to no model`)
  const texts = new Set(files.filter(({ kind }) => kind === 'licence').map(({ name }) => name))
  const lacking = licences.find(({ file }) => file !== undefined && !texts.has(file))
  if (lacking !== undefined) throw invalid(`lacks the text of the licence ${lacking.id}`)
}

function firstTwice(names: string[]): string | undefined {
  const seen = new Set<string>()
  return names.find((name) => seen.size === seen.add(name).size)
}

function invalid(what: string): AppError {
  return invalidBundle(`The bundle's manifest ${what}`)
}
