import { Grounding } from '#contracts/plan.ts'
import type { Database } from './database.ts'

export type GroundingStore = {
  /** In place of the one with its name. `at`: Unix milliseconds. */
  put(projectId: string, grounding: Grounding, at: number): void
  find(projectId: string, name: string): Grounding | undefined
  /** By name. */
  list(projectId: string): Grounding[]
  /** False: there is none of that name. */
  remove(projectId: string, name: string): boolean
  /** Returns how many there were. */
  removeAll(projectId: string): number
}

export function createGroundingStore(db: Database): GroundingStore {
  const write = db.prepare(
    `INSERT INTO groundings (project_id, name, version, body, applied_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (project_id, name) DO UPDATE SET version = excluded.version, body = excluded.body, applied_at = excluded.applied_at`
  )
  const one = db.prepare<[string, string], { body: string }>('SELECT body FROM groundings WHERE project_id = ? AND name = ?')
  const all = db.prepare<[string], { body: string }>('SELECT body FROM groundings WHERE project_id = ? ORDER BY name')
  const remove = db.prepare('DELETE FROM groundings WHERE project_id = ? AND name = ?')
  const removeAll = db.prepare('DELETE FROM groundings WHERE project_id = ?')
  const read = ({ body }: { body: string }): Grounding => Grounding.parse(JSON.parse(body))

  return {
    put: (projectId, grounding, at) => void write.run(projectId, grounding.name, grounding.version, JSON.stringify(grounding), at),
    find: (projectId, name) => {
      const row = one.get(projectId, name)
      return row === undefined ? undefined : read(row)
    },
    list: (projectId) => all.all(projectId).map(read),
    remove: (projectId, name) => remove.run(projectId, name).changes > 0,
    removeAll: (projectId) => removeAll.run(projectId).changes
  }
}
