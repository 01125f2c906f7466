import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { writeWhole } from '../write-whole.ts'

const Marks = z.record(z.string(), z.number())

/** When each blob was last read from end to end and found right, by sha256; Unix milliseconds. */
export type VerifiedMarks = { of(sha256: string): number | undefined; set(sha256: string, at: number): void; forget(sha256: string): void }

/** Kept in one small file beside the blobs, so that a start need not read them again. A file that cannot be read means that nothing was verified. */
export function openVerifiedMarks(file: string): VerifiedMarks {
  let known: Record<string, number> | undefined
  const read = (): Record<string, number> => {
    try {
      return Marks.parse(JSON.parse(readFileSync(file, 'utf8')))
    } catch {
      return {}
    }
  }
  const change = (edit: (marks: Record<string, number>) => void) => {
    // Another process may have written meanwhile. What is lost between the two is a mark, and then a blob is read once more.
    const marks = read()
    edit(marks)
    known = marks
    writeWhole(file, `${JSON.stringify(marks)}\n`, { flush: false })
  }
  return {
    of(sha256) {
      known ??= read()
      return known[sha256]
    },
    set: (sha256, at) =>
      change((marks) => {
        marks[sha256] = at
      }),
    forget: (sha256) =>
      change((marks) => {
        delete marks[sha256]
      })
  }
}
