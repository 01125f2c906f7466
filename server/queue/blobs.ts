import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../errors.ts'

/** Requests over this many characters go to the blob folder: BullMQ's rate falls from 15,000 to 770 jobs/s between 2 kB and 256 kB. */
export const largestInlineRequest = 32 * 1024

/** Large requests on disk, one file a job, named by its job id. */
export type BlobStore = {
  write(jobId: string, value: unknown): Promise<void>
  /** Synchronous: a worker has one pool thread, and it belongs to decoding. Throws `internal_error` when the blob is gone. */
  read(jobId: string): unknown
  remove(jobId: string): Promise<void>
  /** Removes what no job refers to any more: what a crash left. */
  sweep(isWanted: (jobId: string) => boolean): number
}

export function openBlobStore(folder: string): BlobStore {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return {
    async write(jobId, value) {
      // Written aside and renamed: a reader sees all of it or nothing.
      const aside = join(folder, `${jobId}.part`)
      try {
        await writeFile(aside, JSON.stringify(value), { mode: 0o600 })
        await rename(aside, join(folder, jobId))
      } catch (cause) {
        await unlink(aside).catch(() => {})
        if ((cause as NodeJS.ErrnoException).code === 'ENOSPC') {
          throw new AppError('disk_full', `no space left in ${folder} for a request of this size: free some and send it again`, { cause })
        }
        throw cause
      }
    },
    read(jobId) {
      try {
        return JSON.parse(readFileSync(join(folder, jobId), 'utf8'))
      } catch (cause) {
        throw new AppError('internal_error', `the stored request of job ${jobId} cannot be read: send it again`, { cause })
      }
    },
    async remove(jobId) {
      await unlink(join(folder, jobId)).catch(() => {})
    },
    sweep(isWanted) {
      const unwanted = readdirSync(folder).filter((name) => !isWanted(name))
      for (const name of unwanted) rmSync(join(folder, name), { force: true })
      return unwanted.length
    }
  }
}

/** Whether a request is too large to lie in Redis. Adds up its strings and leaves off as soon as the answer is known: far cheaper than making its JSON. */
export function isLarge(value: unknown, limit = largestInlineRequest): boolean {
  let left = limit
  const visit = (part: unknown): boolean => {
    if (typeof part === 'string') left -= part.length + 3
    else if (Array.isArray(part)) {
      left -= 2
      for (const item of part) if (visit(item)) return true
    } else if (typeof part === 'object' && part !== null) {
      left -= 2
      for (const key in part) {
        left -= key.length + 4
        if (visit((part as Record<string, unknown>)[key])) return true
      }
    } else left -= 6
    return left < 0
  }
  return visit(value)
}
