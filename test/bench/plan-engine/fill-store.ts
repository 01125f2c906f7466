import { randomBytes } from 'node:crypto'
import { databaseOf } from '../../../server/home-policy.ts'
import { type Database, openDatabase } from '../../../server/store/database.ts'
import { createPlanCacheStore } from '../../../server/store/plan-cache.ts'
import { createPlanStore } from '../../../server/store/plans.ts'

// Into the database of a server that is stopped.

/** Writes copies of a project's newest plan, log and all. */
export function copyNewestPlan(home: string, projectId: string, copies: number): void {
  withDatabase(home, (db) => {
    const store = createPlanStore(db)
    const [newest] = store.list(projectId, { status: 'completed', limit: 1 })
    if (newest === undefined) throw new Error('there is no finished plan to copy')
    const { record, compensation } = store.find(projectId, newest.id)
    const entries = store.entries(newest.number)
    const { status, cache, results, changedAt } = record
    inBatches(db, copies, () => {
      const number = store.create({ ...record, id: `o_${randomBytes(11).toString('hex')}` })
      store.commit(number, 0, entries, { status, cache, results, changedAt, compensation, settled: true })
    })
  })
}

/** Writes copies of the plan that a project's cache keeps, of actions that have nothing in common with its own. */
export function copyKeptPlan(home: string, projectId: string, copies: number): void {
  withDatabase(home, (db) => {
    const store = createPlanCacheStore(db)
    const [kept] = store.list(projectId)
    if (kept?.vector === undefined) throw new Error('there is no kept plan with a vector to copy')
    const length = kept.vector.length
    inBatches(db, copies, () => {
      const name = randomBytes(16).toString('hex')
      store.insert({ ...kept, id: name, key: name, action: `Action ${name}`, vector: randomVector(length) }, copies + 1)
    })
  })
}

function withDatabase(home: string, fill: (db: Database) => void): void {
  const db = openDatabase(databaseOf({ home }))
  try {
    fill(db)
    db.pragma('wal_checkpoint(TRUNCATE)')
  } finally {
    db.close()
  }
}

const batch = 2000

function inBatches(db: Database, count: number, write: () => void): void {
  const writeMany = db.transaction((some: number) => {
    for (let i = 0; i < some; i++) write()
  })
  for (let left = count; left > 0; left -= batch) writeMany(Math.min(batch, left))
}

/** Of length 1, in any direction. */
function randomVector(length: number): Float32Array {
  const values = Float32Array.from({ length }, () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random()))
  const norm = Math.hypot(...values)
  return values.map((value) => value / norm)
}
