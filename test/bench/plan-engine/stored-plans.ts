import { randomBytes } from 'node:crypto'
import { databaseOf } from '../../../server/home-policy.ts'
import { openDatabase } from '../../../server/store/database.ts'
import { createPlanStore } from '../../../server/store/plans.ts'

const batch = 2000

/** Writes copies of a project's newest plan, log and all, into the database of a server that is stopped. */
export function copyNewestPlan(home: string, projectId: string, copies: number): void {
  const db = openDatabase(databaseOf({ home }))
  try {
    const store = createPlanStore(db)
    const [newest] = store.list(projectId, { status: 'completed', limit: 1 })
    if (newest === undefined) throw new Error('there is no finished plan to copy')
    const { record, compensation } = store.find(projectId, newest.id)
    const entries = store.entries(newest.number)
    const { status, cache, results, changedAt } = record
    const write = db.transaction((count: number) => {
      for (let i = 0; i < count; i++) {
        const id = `o_${randomBytes(11).toString('hex')}`
        store.commit(store.create({ ...record, id }), 0, entries, { status, cache, results, changedAt, compensation, settled: true })
      }
    })
    for (let left = copies; left > 0; left -= batch) write(Math.min(batch, left))
    db.pragma('wal_checkpoint(TRUNCATE)')
  } finally {
    db.close()
  }
}
