import { statSync } from 'node:fs'
import { z } from 'zod'

/** What tells without reading it that a file is still the one that was looked at. Manifests of the first versions have the size alone. */
export const FilePrint = z.object({ size: z.int(), modifiedAt: z.number().optional(), inode: z.number().optional() })
export type FilePrint = z.infer<typeof FilePrint>

/** Undefined: there is no such file, or none we may look at. */
export function printOf(path: string): Required<FilePrint> | undefined {
  try {
    const stat = statSync(path, { throwIfNoEntry: false })
    return stat?.isFile() ? { size: stat.size, modifiedAt: stat.mtimeMs, inode: stat.ino } : undefined
  } catch {
    // A folder we may not look into is as good as none.
    return undefined
  }
}

export function isUnchanged(now: Required<FilePrint> | undefined, then: FilePrint): boolean {
  return (
    now !== undefined &&
    now.size === then.size &&
    (then.modifiedAt === undefined || now.modifiedAt === then.modifiedAt) &&
    (then.inode === undefined || now.inode === then.inode)
  )
}
