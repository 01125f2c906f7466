import { existsSync } from 'node:fs'
import BetterSqlite3 from 'better-sqlite3'
import type { z } from 'zod'
import { AppError } from '../errors.ts'
import type { Database } from './database.ts'

/** What an administrator changes while the server runs. */
export type SettingsStore = {
  /** Undefined: never set. Throws `internal_error` when another version wrote what this one cannot use: to pass over a policy would be to drop it. */
  get<Schema extends z.ZodType>(name: string, schema: Schema): z.output<Schema> | undefined
  /** `by`: the id of who changes it. */
  set(name: string, value: unknown, by: string): void
}

export function createSettingsStore(db: Database): SettingsStore {
  const read = db.prepare<[string], { value: string }>('SELECT value FROM settings WHERE name = ?')
  const write = db.prepare(
    `INSERT INTO settings (name, value, changed_at, changed_by) VALUES (?, ?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at, changed_by = excluded.changed_by`
  )
  return {
    get: (name, schema) => parse(name, read.get(name)?.value, schema),
    set: (name, value, by) => void write.run(name, JSON.stringify(value), new Date().toISOString(), by)
  }
}

/** One setting of a home whose server does not run; undefined where it was never set, or there is no database yet. */
export function readSetting<Schema extends z.ZodType>(file: string, name: string, schema: Schema): z.output<Schema> | undefined {
  if (!existsSync(file)) return undefined
  const db = new BetterSqlite3(file, { readonly: true })
  try {
    // A home that no server of this version has run in has no such table yet.
    if (db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'settings'").get() === undefined) return undefined
    return createSettingsStore(db).get(name, schema)
  } finally {
    db.close()
  }
}

function parse<Schema extends z.ZodType>(name: string, value: string | undefined, schema: Schema): z.output<Schema> | undefined {
  if (value === undefined) return undefined
  const parsed = schema.safeParse(JSON.parse(value))
  if (parsed.success) return parsed.data
  throw new AppError('internal_error', `the setting ${name} in the database is not one of this version: ${parsed.error.issues[0]?.message}`)
}
