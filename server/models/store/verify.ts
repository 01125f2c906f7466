import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { LocalModel } from '#contracts/model.ts'
import { AppError } from '../../errors.ts'
import { inspectModelFiles } from '../inspect/describe-files.ts'
import type { FileProgress } from '../pull/pull-files.ts'

/**
 * Reads every byte of a model's files again. Throws `AppError('weights_corrupt')` naming the first file that is not what it was when it
 * was pulled. An adopted file has no hash to hold it against; its header is checked.
 */
export async function verifyModel(
  model: LocalModel,
  options: { signal?: AbortSignal; onProgress?: (progress: FileProgress) => void } = {}
): Promise<void> {
  await inspectModelFiles(model.files, options)
  for (const file of model.files) {
    if (file.sha256 === '') continue
    const hash = createHash('sha256')
    let received = 0
    for await (const chunk of createReadStream(file.path, { highWaterMark: 1024 * 1024, signal: options.signal })) {
      hash.update(chunk as Buffer)
      received += (chunk as Buffer).length
      options.onProgress?.({ file: file.name, source: null, received, total: file.size })
    }
    const sha256 = hash.digest('hex')
    if (sha256 === file.sha256) continue
    throw new AppError(
      'weights_corrupt',
      `${file.path} has changed on the disk: sha256 ${sha256}, expected ${file.sha256}. Remove the model and pull it again: outpost rm ${model.entry.id} && outpost pull ${model.entry.id}`
    )
  }
}
