import type { Project } from '#contracts/plan-api.ts'
import { AppError } from '../errors.ts'
import type { Database } from './database.ts'

export type PlanProjectStore = {
  /** The project of callers whose key belongs to none; made when the store is opened the first time. */
  readonly own: Project
  create(name: string): Project
  /** Throws `not_found`. */
  find(id: string): Project
  /** Oldest first. */
  list(): Project[]
  /** Takes back one that was just made and is used by nothing yet. The own one cannot go: `conflict`. */
  remove(id: string): void
}

type ProjectRow = { id: string; name: string; own: number; created_at: number; updated_at: number }

/** `newId` makes ids nobody can guess. Projects are few and asked for with every request, so all of them are kept in memory. */
export function createPlanProjectStore(db: Database, options: { newId: () => string; now?: () => number }): PlanProjectStore {
  const now = options.now ?? Date.now
  const insert = db.prepare<[string, string, number, number, number]>(
    'INSERT INTO plan_projects (id, name, own, created_at, updated_at) VALUES (?, ?, ?, ?, ?)'
  )
  const remove = db.prepare<[string]>('DELETE FROM plan_projects WHERE id = ?')
  const byId = new Map<string, Project>()
  let ownId: string | undefined

  const store = (name: string, isOwn: boolean): Project => {
    const at = now()
    const project = { id: options.newId(), name, createdAt: at, updatedAt: at }
    insert.run(project.id, name, isOwn ? 1 : 0, at, at)
    byId.set(project.id, project)
    return project
  }
  const find = (id: string): Project => {
    const project = byId.get(id)
    if (project === undefined) {
      throw new AppError('not_found', `there is no project ${JSON.stringify(id.slice(0, 64))}; outpost project list shows those there are`)
    }
    return { ...project }
  }

  for (const row of db.prepare<[], ProjectRow>('SELECT * FROM plan_projects ORDER BY created_at, rowid').all()) {
    byId.set(row.id, { id: row.id, name: row.name, createdAt: row.created_at, updatedAt: row.updated_at })
    if (row.own === 1) ownId = row.id
  }
  const own = ownId ?? store('outpost', true).id

  return {
    get own() {
      return find(own)
    },
    create: (name) => ({ ...store(name, false) }),
    find,
    list: () => [...byId.values()].map((project) => ({ ...project })),
    remove(id) {
      if (id === own) throw new AppError('conflict', 'the own project of the server cannot be removed')
      find(id)
      remove.run(id)
      byId.delete(id)
    }
  }
}
