import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Puts a small file in the place of an older one: who reads meanwhile sees all of the one or of the other. `flush`: it is on the disk before it is seen. */
export function writeWhole(path: string, text: string, { flush }: { flush: boolean }): void {
  mkdirSync(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}.tmp`
  writeFileSync(temporary, text, { mode: 0o600, flush })
  renameSync(temporary, path)
}
