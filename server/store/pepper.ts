import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '../errors.ts'

const pepperBytes = 32

/**
 * The secret that key digests are made with: `OUTPOST_HOME/secret` (mode 0600), made when there is none. It is kept apart from the
 * database, so that a copy of the database alone proves no key. Throws `internal_error` when the file is there but is no such secret.
 */
export function loadPepper(home: string): Buffer {
  const file = join(home, 'secret')
  const found = readPepper(file)
  if (found !== undefined) return found
  // Written aside and linked, so that a crash leaves no half secret and two starts at once agree on one.
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  writeFileSync(draft, `${randomBytes(pepperBytes).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
  try {
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
  return readPepper(file) as Buffer // It was just linked, by us or by another.
}

function readPepper(file: string): Buffer | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const pepper = Buffer.from(text.trim(), 'base64url')
  if (pepper.length !== pepperBytes) {
    throw new AppError(
      'internal_error',
      `${file} must hold ${pepperBytes} bytes in base64url, got ${pepper.length}; restore it, or remove it to void all keys`
    )
  }
  return pepper
}
