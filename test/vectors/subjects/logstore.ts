import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PlanRecord, PlanStatus } from '#contracts/plan.ts'
import { AppError } from '../../../server/errors.ts'
import { openDatabase } from '../../../server/store/database.ts'
import { createPlanStore, type PlanStore } from '../../../server/store/plans.ts'
import type { Check } from '../run.ts'

type Entry = { id: string; offset: number; [more: string]: unknown }
type State = { id: string; projectId: string; status: PlanStatus; tasksStatuses: Record<string, string> }
type Input = { store?: Entry[]; store_state?: State[]; append_ids?: string[]; read_from?: number }

/** On a real database, opened again before anything is read. */
export const check: Check = (raw, expected) => {
  const folder = mkdtempSync(join(tmpdir(), 'outpost-vectors-'))
  const file = join(folder, 'outpost.db')
  try {
    within(file, (store) => write(store, raw as Input))
    within(file, (store) => read(store, raw as Input, expected as Record<string, unknown>))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function within(file: string, use: (store: PlanStore) => void): void {
  const db = openDatabase(file)
  try {
    use(createPlanStore(db))
  } finally {
    db.close()
  }
}

function write(store: PlanStore, input: Input): void {
  if (input.store !== undefined) {
    const number = store.create(record('o_x', 'p_x', 'processing'))
    for (const { id, offset, ...body } of input.store) store.commit(number, offset, [{ id, at: 0, body: JSON.stringify(body) }], undefined)
  }
  for (const { id, projectId, status, tasksStatuses } of input.store_state ?? []) {
    const number = store.create(record(id, projectId, status))
    store.commit(
      number,
      0,
      Object.entries(tasksStatuses).map(([task, state]) => ({ id: task, at: 0, body: JSON.stringify(state) })),
      undefined
    )
  }
  if (input.append_ids !== undefined) {
    const number = store.create(record('o_x', 'p_x', 'processing'))
    let offset = 0
    for (const id of input.append_ids) {
      try {
        store.commit(number, offset, [{ id, at: 0, body: '{}' }], undefined)
        offset++
      } catch (error) {
        // Taken already.
        if (!(error instanceof AppError) || error.code !== 'conflict') throw error
      }
    }
  }
}

function read(store: PlanStore, input: Input, expected: Record<string, unknown>): void {
  if (input.store !== undefined) {
    const { number } = store.find('p_x', 'o_x')
    const entries = store.entries(number).map(({ id, offset, body }) => ({ ...JSON.parse(body), id, offset }))
    assert.deepEqual(entries, expected['load'])
  } else if (input.store_state !== undefined) {
    const states = store.unsettled().map(({ number, record }) => ({
      id: record.id,
      projectId: record.projectId,
      status: record.status,
      tasksStatuses: Object.fromEntries(store.entries(number).map(({ id, body }) => [id, JSON.parse(body)]))
    }))
    assert.deepEqual(states, expected['list_states'])
  } else {
    const entries = store.entries(store.find('p_x', 'o_x').number, input.read_from)
    assert.deepEqual(
      entries.map(({ id }) => id),
      expected['ids']
    )
    if (expected['offsets'] !== undefined)
      assert.deepEqual(
        entries.map(({ offset }) => offset),
        expected['offsets']
      )
  }
}

function record(id: string, projectId: string, status: PlanStatus): PlanRecord {
  return {
    id,
    projectId,
    clientId: 'local',
    action: 'x',
    data: [],
    approval: [],
    status,
    plan: null,
    cache: null,
    grounding: null,
    warnings: [],
    results: null,
    failure: null,
    abortPayload: null,
    timeoutMs: 30_000,
    gracePeriodMs: 1_800_000,
    deadlineAt: null,
    createdAt: 0,
    changedAt: 0
  }
}
