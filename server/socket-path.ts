import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Bytes a unix socket's path may have on every platform (macOS: 104 with the closing zero). */
const longestSocketPath = 103

/** `home/name`, or for a home too deep for a socket a private folder in the temporary folder, always the same one for this home. */
export function socketPath(home: string, name: string): string {
  const direct = join(home, name)
  if (Buffer.byteLength(direct) <= longestSocketPath) return direct
  const folder = join(tmpdir(), `outpost-${createHash('sha256').update(home).digest('hex').slice(0, 16)}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return join(folder, name)
}

/** The owner's own door: a unix socket in the home folder, on Windows a named pipe. */
export function ownerDoor(home: string): string {
  if (process.platform === 'win32') return `\\\\.\\pipe\\outpost-${createHash('sha256').update(home).digest('hex').slice(0, 16)}`
  return socketPath(home, 'outpost.sock')
}
