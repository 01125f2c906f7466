import { isDeepStrictEqual } from 'node:util'
import { Service } from '#contracts/plan.ts'
import { AppError } from '../errors.ts'
import type { Database } from './database.ts'

/** What a service is, apart from which one and since when. */
export type ServiceContent = Omit<Service, 'id' | 'projectId' | 'version' | 'registeredAt'>

export type PlanServiceStore = {
  /** Version 1 of a new service under `id`, or the next version of the one that has it, also of one that was removed. Throws `not_found` when it is another project's. */
  register(projectId: string, id: string, content: ServiceContent): Service
  /** Whether a project has, or had, this service. */
  has(projectId: string, id: string): boolean
  /** The newest version of each, by id. Not to be changed: it is the same array until something is registered or removed. */
  list(projectId: string): readonly Service[]
  /** The newest version. Throws `not_found`, also for a removed one. */
  find(projectId: string, id: string): Service
  /** One version, whatever came after it; plans that are made stay with theirs. Its `registeredAt` is when these words were first registered. */
  at(id: string, version: number): Service | undefined
  /** Takes it off the list; plans that have it keep it. Throws `not_found`. */
  remove(projectId: string, id: string): void
}

type ContentRow = {
  service_id: string
  project_id: string
  first_version: number
  kind: string
  name: string
  description: string
  input: string
  output: string
  revertible: number
  approval: number
  origin: string
  first_registered_at: number
}
type NewestRow = ContentRow & { version: number; registered_at: number; removed_at: number | null }

/** Older versions that are kept at hand. Those of running plans are asked for again and again. */
const olderKept = 1000

const newestQuery = `SELECT * FROM plan_services JOIN plan_service_contents ON service_id = id
  WHERE first_version = (SELECT max(first_version) FROM plan_service_contents WHERE service_id = id)`

export function createPlanServiceStore(db: Database): PlanServiceStore {
  const newest = new Map<string, { service: Service; removed: boolean }>()
  const lists = new Map<string, readonly Service[]>()
  const older = new Map<string, Service>()
  const statements = {
    write: db.prepare(
      `INSERT INTO plan_services (id, project_id, version, registered_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET version = excluded.version, registered_at = excluded.registered_at, removed_at = NULL`
    ),
    writeContent: db.prepare(
      `INSERT INTO plan_service_contents
       (service_id, first_version, kind, name, description, input, output, revertible, approval, origin, first_registered_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
    ),
    contentAt: db.prepare<[string, number], ContentRow>(
      `SELECT * FROM plan_service_contents JOIN plan_services ON id = service_id
       WHERE service_id = ? AND first_version <= ? ORDER BY first_version DESC LIMIT 1`
    ),
    remove: db.prepare('UPDATE plan_services SET removed_at = ? WHERE id = ?')
  }
  for (const row of db.prepare<[], NewestRow>(newestQuery).all()) {
    newest.set(row.service_id, { service: toService(row, row.version, row.registered_at), removed: row.removed_at !== null })
  }

  const write = db.transaction((service: Service, changed: boolean) => {
    statements.write.run(service.id, service.projectId, service.version, service.registeredAt)
    if (!changed) return
    statements.writeContent.run(
      service.id,
      service.version,
      service.kind,
      service.name,
      service.description,
      JSON.stringify(service.input),
      JSON.stringify(service.output),
      Number(service.revertible),
      Number(service.approval),
      service.origin,
      service.registeredAt
    )
  })

  const own = (projectId: string, id: string) => {
    const entry = newest.get(id)
    return entry?.service.projectId === projectId ? entry : undefined
  }
  const find = (projectId: string, id: string): Service => {
    const entry = own(projectId, id)
    if (entry === undefined || entry.removed) throw noService(id)
    return entry.service
  }

  return {
    register(projectId, id, content) {
      const before = newest.get(id)?.service
      if (before !== undefined && before.projectId !== projectId) throw noService(id)
      const service: Service = { ...contentOf(content), id, projectId, version: (before?.version ?? 0) + 1, registeredAt: Date.now() }
      write(service, before === undefined || !isDeepStrictEqual(contentOf(before), contentOf(service)))
      newest.set(id, { service, removed: false })
      lists.delete(projectId)
      return service
    },
    has: (projectId, id) => own(projectId, id) !== undefined,
    list(projectId) {
      const known = lists.get(projectId)
      if (known !== undefined) return known
      const services = [...newest.values()]
        .filter(({ service, removed }) => service.projectId === projectId && !removed)
        .map(({ service }) => service)
      services.sort((one, other) => (one.id < other.id ? -1 : 1))
      lists.set(projectId, services)
      return services
    },
    find,
    at(id, version) {
      const current = newest.get(id)?.service
      if (current === undefined || version > current.version || version < 1) return undefined
      if (current.version === version) return current
      const key = `${id} ${version}`
      const kept = older.get(key)
      if (kept !== undefined) return kept
      const row = statements.contentAt.get(id, version)
      if (row === undefined) return undefined
      const service = toService(row, version, row.first_registered_at)
      if (older.size >= olderKept) older.delete(older.keys().next().value ?? '')
      older.set(key, service)
      return service
    },
    remove(projectId, id) {
      const service = find(projectId, id)
      statements.remove.run(Date.now(), id)
      newest.set(id, { service, removed: true })
      lists.delete(projectId)
    }
  }
}

/** These fields and no others, so that two can be compared. */
function contentOf({ kind, name, description, input, output, revertible, approval, origin }: ServiceContent): ServiceContent {
  return { kind, name, description, input, output, revertible, approval, origin }
}

function toService(row: ContentRow, version: number, registeredAt: number): Service {
  return Service.parse({
    id: row.service_id,
    projectId: row.project_id,
    kind: row.kind,
    name: row.name,
    description: row.description,
    input: JSON.parse(row.input),
    output: JSON.parse(row.output),
    revertible: row.revertible === 1,
    approval: row.approval === 1,
    version,
    origin: row.origin,
    registeredAt
  })
}

function noService(id: string): AppError {
  return new AppError(
    'not_found',
    `there is no service ${JSON.stringify(id.slice(0, 64))} in this project; it may have been removed, or is another project's`
  )
}
