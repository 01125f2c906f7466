import { randomBytes } from 'node:crypto'
import { accessSync, constants, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { AppError } from './errors.ts'

/** Makes the home folder (mode 0700) and sees that it can be written. Throws `internal_error` with one line naming the folder. */
export function prepareHome(home: string): void {
  try {
    makeFolder(home)
    accessSync(home, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    throw new AppError(
      'internal_error',
      `the home folder ${home} cannot be used (${code ?? message}): make it writable, or set OUTPOST_HOME to another folder`,
      { cause }
    )
  }
}

/** Not `recursive`: where a folder is there and cannot have children (below /proc), Node then tries for ever, and takes all memory. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const parent = dirname(folder)
    if (code === 'EEXIST' && statSync(folder).isDirectory()) return
    if (code !== 'ENOENT' || parent === folder || existsSync(parent)) throw error
    makeFolder(parent)
    mkdirSync(folder, { mode: 0o700 })
  }
}

/** The name of this gateway in Redis; the same after every restart, so that it finds the replies it had not read yet. */
export function gatewayId(home: string): string {
  const file = join(home, 'gateway-id')
  try {
    const id = readFileSync(file, 'utf8').trim()
    if (/^gw-[0-9a-f]{12}$/.test(id)) return id
  } catch {}
  const id = `gw-${randomBytes(6).toString('hex')}`
  writeFileSync(file, `${id}\n`, { mode: 0o600 })
  return id
}
