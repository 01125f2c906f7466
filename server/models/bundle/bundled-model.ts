import type { LocalModel, PinnedEntry } from '#contracts/model.ts'
import { AppError } from '../../errors.ts'
import { measureFile } from './measure-file.ts'

/** A model as it is carried: with a hash for every file, and without what is true of this machine only. */
export async function toBundledModel(model: LocalModel, signal: AbortSignal): Promise<{ entry: PinnedEntry; files: LocalModel['files'] }> {
  const { entry } = model
  if (model.files.length === 0) throw new AppError('invalid_request', `${entry.id} has no files that could be carried.`)
  const files: LocalModel['files'] = []
  for (const file of model.files) {
    const sha256 = file.sha256 === '' ? (await measureFile(file.path, signal)).sha256 : file.sha256
    files.push({ ...file, name: toPlainName(file.name), sha256 })
  }
  const isAdopted = entry.files.length === 0
  return {
    files,
    entry: {
      ...entry,
      // That of an adopted file says where it lies here.
      ...(isAdopted ? { description: '' } : {}),
      files: files.map(({ name, size, sha256 }) => ({
        name,
        size,
        sha256,
        // A path of this machine means nothing on another.
        sources: (entry.files.find((file) => file.sha256 === sha256)?.sources ?? []).filter((source) => !source.startsWith('file:'))
      }))
    }
  }
}

/** `Tiny One.gguf` → `Tiny-One.gguf` */
function toPlainName(name: string): string {
  return name.replace(/[^\w.+-]+/g, '-').replace(/^[^A-Za-z0-9_]+/, '') || 'weights'
}
