import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { load as loadVectorSearch } from 'sqlite-vec'
import { AppError } from '../errors.ts'

export type Database = BetterSqlite3.Database
export type Statement = BetterSqlite3.Statement

type Migration = { version: number; sql: string }

/**
 * Opens the database, made if it is not there, and brings its tables up to date. The migrations are the numbered files in `migrations/`;
 * each runs once, in a transaction. Throws `conflict` when a newer Outpost wrote the file, `internal_error` when it is no database.
 */
export function openDatabase(file: string): Database {
  const migrations = readMigrations(join(import.meta.dirname, 'migrations'))
  const db = connect(file)
  try {
    migrate(db, file, migrations)
  } catch (error) {
    db.close()
    throw error
  }
  return db
}

function connect(file: string): Database {
  let db: Database | undefined
  try {
    db = new BetterSqlite3(file)
    db.pragma('journal_mode = WAL')
    // With WAL a power cut may lose the last moments, never the file; a row then costs microseconds instead of a disk flush.
    db.pragma('synchronous = NORMAL')
    db.pragma('foreign_keys = ON')
    loadVectorSearch(db)
    return db
  } catch (error) {
    db?.close()
    const reason = error instanceof Error ? error.message : String(error)
    throw new AppError('internal_error', `the database ${file} cannot be opened: ${reason}; restore it from a backup or move it away`, {
      cause: error
    })
  }
}

function readMigrations(folder: string): Migration[] {
  return readdirSync(folder)
    .filter((name) => /^\d{3}-.+\.sql$/.test(name))
    .map((name) => ({ version: Number(name.slice(0, 3)), sql: readFileSync(join(folder, name), 'utf8') }))
    .sort((one, other) => one.version - other.version)
}

function migrate(db: Database, file: string, migrations: Migration[]): void {
  const newest = migrations.at(-1)?.version ?? 0
  const current = Number(db.pragma('user_version', { simple: true }))
  if (current > newest) {
    throw new AppError(
      'conflict',
      `the database ${file} was written by a newer Outpost (schema ${current}, this one knows ${newest}); update Outpost or set another OUTPOST_HOME`
    )
  }
  for (const { version, sql } of migrations) {
    if (version <= current) continue
    db.transaction(() => {
      db.exec(sql)
      db.pragma(`user_version = ${version}`)
    }).immediate()
  }
}
