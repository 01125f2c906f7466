import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { AppError } from '../errors.ts'

/**
 * One server a home folder. The lock is SQLite's own on a file of its own: the system frees it however the process ends, so none is
 * ever left behind. Throws `conflict` while another server has it.
 */
export function lockHome(home: string): { release(): void } {
  const db = new BetterSqlite3(join(home, 'lock'), { timeout: 0 })
  try {
    db.pragma('locking_mode = EXCLUSIVE')
    db.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    db.close()
    throw new AppError(
      'conflict',
      `another Outpost server already runs with the home folder ${home}: stop it, or set OUTPOST_HOME to another folder`,
      {
        cause
      }
    )
  }
  return {
    release() {
      db.close()
    }
  }
}
