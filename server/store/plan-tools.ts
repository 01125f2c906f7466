import { ToolboxSpec } from '#contracts/plan-tools.ts'
import { AppError } from '../errors.ts'
import type { Database } from './database.ts'

/** A toolbox as it is kept. `spec` holds secrets. Times are Unix milliseconds. */
export type ToolboxRow = {
  id: string
  projectId: string
  spec: ToolboxSpec
  /** What an MCP server said of its tools when they were allowed. */
  described: unknown
  /** The services that were made of it. */
  registered: unknown
  addedAt: number
  /** Id of the key. */
  addedBy: string
}

export type PlanToolStore = {
  /** Throws `conflict` when the project has one of that name. */
  add(row: ToolboxRow): void
  update(row: Pick<ToolboxRow, 'id' | 'spec' | 'described' | 'registered'>): void
  remove(id: string): void
  /** Of all projects, oldest first. Throws `internal_error` when another version wrote what this one cannot use. */
  list(): ToolboxRow[]
  /** All that `work` writes to the database is written, or, when it throws, nothing of it. */
  atomically(work: () => void): void
}

type Columns = {
  id: string
  project_id: string
  name: string
  spec: string
  described: string
  registered: string
  added_at: number
  added_by: string
}

export function createPlanToolStore(db: Database): PlanToolStore {
  const insert = db.prepare(
    `INSERT INTO plan_toolboxes (id, project_id, name, spec, described, registered, added_at, added_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (project_id, name) DO NOTHING`
  )
  const change = db.prepare('UPDATE plan_toolboxes SET name = ?, spec = ?, described = ?, registered = ? WHERE id = ?')
  const erase = db.prepare('DELETE FROM plan_toolboxes WHERE id = ?')
  const all = db.prepare<[], Columns>('SELECT * FROM plan_toolboxes ORDER BY rowid')
  return {
    add({ id, projectId, spec, described, registered, addedAt, addedBy }) {
      const { changes } = insert.run(id, projectId, spec.name, ...toTexts(spec, described, registered), addedAt, addedBy)
      if (changes === 0) throw new AppError('conflict', `the project has a toolbox called ${spec.name}: change that one, or choose another name`)
    },
    update: ({ id, spec, described, registered }) => void change.run(spec.name, ...toTexts(spec, described, registered), id),
    remove: (id) => void erase.run(id),
    list: () => all.all().map(toRow),
    atomically: (work) => db.transaction(work).immediate()
  }
}

function toTexts(...values: unknown[]): string[] {
  return values.map((value) => JSON.stringify(value))
}

function toRow({ id, project_id: projectId, name, spec, described, registered, added_at: addedAt, added_by: addedBy }: Columns): ToolboxRow {
  const parsed = ToolboxSpec.safeParse(JSON.parse(spec))
  if (!parsed.success)
    throw new AppError('internal_error', `the toolbox ${name} in the database is not one of this version; remove it and add it again`)
  return { id, projectId, spec: parsed.data, described: JSON.parse(described), registered: JSON.parse(registered), addedAt, addedBy }
}
