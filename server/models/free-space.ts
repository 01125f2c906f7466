import { statfs } from 'node:fs/promises'
import { AppError } from '../errors.ts'

/** Left free for the database and Redis, which share the disk and fail worse than a pull does. Bytes. */
export const reservedBytes = 64 * 1024 * 1024

/** Throws `AppError('disk_full')` when a folder's disk has less than `needed` bytes for us. */
export async function checkFreeSpace(folder: string, needed: number, what: string): Promise<void> {
  const disk = await statfs(folder)
  const free = disk.bavail * disk.bsize
  if (free < needed + reservedBytes) throw diskFull(folder, needed + reservedBytes, free, what)
}

export function diskFull(folder: string, needed: number, free: number | undefined, what: string, cause?: unknown): AppError {
  const has = free === undefined ? 'is full' : `has ${inMegabytes(free)} free`
  return new AppError(
    'disk_full',
    `${what} needs ${inMegabytes(needed)} in ${folder}, whose disk ${has}. Free some space or set OUTPOST_HOME to another disk.`,
    {
      cause
    }
  )
}

/** Whether a write failed because there was no room. */
export function isNoSpace(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code
  return code === 'ENOSPC' || code === 'EDQUOT'
}

function inMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toLocaleString('en', { maximumFractionDigits: 1 })} MB`
}
