import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { LocalModel } from '#contracts/model.ts'
import { WeightsDescription } from '#contracts/weights.ts'
import { AppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { writeWhole } from '../write-whole.ts'
import { inspectWeights, type WeightsFile, weightsFilesAt } from './inspect.ts'

const Kept = z.object({ stamp: z.string(), description: WeightsDescription })

/** What the headers of models say, kept in `described/` beside the manifests, so that a file is read once and again only after it was touched. */
export type Descriptions = {
  /** Throws what `inspectWeights` throws. */
  of(model: LocalModel, signal?: AbortSignal): Promise<WeightsDescription>
}

export function createDescriptions(options: { folder: string; log: Log }): Descriptions {
  const { log } = options
  const folder = join(options.folder, 'described')
  const running = new Map<string, Promise<WeightsDescription>>()

  async function of(model: LocalModel, signal?: AbortSignal): Promise<WeightsDescription> {
    const [first] = model.files
    if (first === undefined) throw new AppError('unsupported_feature', `${model.entry.id} has no files that could be looked into`)
    // Of an adopted model only the first part is listed; by its place the others are found.
    const files: WeightsFile[] = first.sha256 === '' ? await weightsFilesAt(first.path) : model.files
    const place = join(folder, `${hash(JSON.stringify(files.map(({ name, path }) => [name, path])))}.json`)
    const stamp = await stampOf(files)
    const kept = read(place)
    if (kept?.stamp === stamp) return kept.description
    const description = await inspectWeights(files, signal === undefined ? {} : { signal })
    write(place, { stamp, description })
    return description
  }

  function write(place: string, kept: z.infer<typeof Kept>): void {
    try {
      writeWhole(place, JSON.stringify(kept), { flush: false })
    } catch (error) {
      // Kept or not, it is known now; a store may be read-only.
      log.debug({ place, reason: (error as Error).message }, 'description not kept')
    }
  }

  return {
    async of(model, signal) {
      const { id } = model.entry
      const joined = running.get(id)
      if (joined !== undefined) return await joined
      const fresh = of(model, signal).finally(() => running.delete(id))
      running.set(id, fresh)
      return await fresh
    }
  }
}

function read(place: string): z.infer<typeof Kept> | undefined {
  try {
    return Kept.parse(JSON.parse(readFileSync(place, 'utf8')))
  } catch {
    // Not there, or of another version: the header is read again.
    return undefined
  }
}

/** Changes with every write to one of the files, and when one is put in another's place. */
async function stampOf(files: readonly WeightsFile[]): Promise<string> {
  const stamps = await Promise.all(
    files.map(async ({ path }) => {
      const about = await stat(path).catch(() => undefined)
      return about === undefined ? path : [about.ino, about.size, about.mtimeMs, about.ctimeMs].join(' ')
    })
  )
  return hash(stamps.join('\n'))
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
