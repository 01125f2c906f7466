import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Config } from '../../config.ts'
import { reservedBytes } from '../../models/free-space.ts'
import { openLocalModels } from '../local-models.ts'
import { inBytes } from '../terminal.ts'
import type { Finding } from './finding.ts'

/** The folder is the owner's alone and can be written; or it can be made. */
export async function checkHome({ home }: Config): Promise<Finding> {
  const check = 'home folder'
  const place = nearestFolder(home)
  try {
    if (!statSync(place).isDirectory())
      return { check, state: 'broken', message: `${place} is not a folder`, advice: 'set OUTPOST_HOME to another place' }
    accessSync(place, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return {
      check,
      state: 'broken',
      message: `${place} cannot be written (${code})`,
      advice: 'make it writable, or set OUTPOST_HOME to another folder'
    }
  }
  if (place !== home) return { check, state: 'fine', message: `${home} will be made at the first start` }
  const { mode, uid } = statSync(home)
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    const found = (mode & 0o777).toString(8).padStart(4, '0')
    return { check, state: 'warning', message: `${home} has mode ${found}: others on this machine can look into it`, advice: `chmod 700 ${home}` }
  }
  if (process.getuid !== undefined && uid !== process.getuid())
    return { check, state: 'warning', message: `${home} belongs to another user (${uid})`, advice: 'run Outpost as that user, or set OUTPOST_HOME' }
  return { check, state: 'fine', message: home }
}

/** Room for what is to be pulled, and some for the database and Redis. */
export async function checkDisk(config: Config): Promise<Finding> {
  const check = 'disk'
  const place = nearestFolder(config.home)
  const disk = await statfs(place)
  const free = disk.bavail * disk.bsize
  const { known, catalogue } = openLocalModels(config)
  const wanted = known
    .list()
    .filter(({ id, state }) => state === 'absent' && Object.values(catalogue.defaults).includes(id))
    .reduce((sum, { size }) => sum + size, 0)
  const needed = wanted + reservedBytes
  const message = `${inBytes(free)} free in ${place}`
  if (free >= needed) return { check, state: 'fine', message: wanted === 0 ? message : `${message}; ${inBytes(wanted)} are still to be pulled` }
  return {
    check,
    state: 'broken',
    message: `${message}, ${inBytes(needed)} are needed`,
    advice: 'free some space, or set OUTPOST_HOME to another disk'
  }
}

/** The folder itself, or the nearest one above that is there. */
function nearestFolder(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestFolder(dirname(path))
}
