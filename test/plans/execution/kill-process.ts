import { pino } from 'pino'
import type { Plan, PlanRecord } from '#contracts/plan.ts'
import { createRunner } from '../../../server/plans/execution/runner.ts'
import type { TaskMessage, TaskRequest } from '../../../server/plans/services/service-host.ts'
import { openDatabase } from '../../../server/store/database.ts'
import { createPlanStore } from '../../../server/store/plans.ts'
import { service } from './plan-bench.ts'

/**
 * For `kill-loop.test.ts`: a runner in a process of its own that kills itself with signal 9 at a commit of its log, right before or right after it.
 * Its services are the parent. What the parent hears: requests, and records of plans that ended.
 */
export type Order = { file: string; plan: Plan; revertible: string[]; kill: { at: number; when: 'before' | 'after' } | undefined }
export type FromChild = { type: 'request'; request: TaskRequest } | { type: 'ended'; record: PlanRecord } | { type: 'settled'; commits: number }

const tell = (message: FromChild) => process.send?.(message)

process.once('message', ({ file, plan, revertible, kill }: Order) => {
  const store = createPlanStore(openDatabase(file))
  let commits = 0
  const die = (when: 'before' | 'after') => {
    if (kill !== undefined && kill.when === when && commits === kill.at) process.kill(process.pid, 'SIGKILL')
  }
  let made = 0
  const runner = createRunner({
    store: {
      ...store,
      commit(...args) {
        die('before')
        store.commit(...args)
        die('after')
        commits++
      }
    },
    host: {
      isHealthy: () => true,
      send(_service, request) {
        tell({ type: 'request', request })
        return true
      },
      stop: () => {}
    },
    serviceAt: (id) => service(id, { revertible: revertible.includes(id) }),
    onEnd: (record) => void tell({ type: 'ended', record }),
    onCompensationFailure: () => {},
    onOutbox: () => {},
    onEvents(_planId, _events, _record, settled) {
      if (settled) tell({ type: 'settled', commits })
    },
    newExecutionId: () => `e_${process.pid}_${++made}`,
    log: pino({ level: 'silent' })
  })
  process.on('message', (message: TaskMessage) => runner.onMessage(message))
  if (runner.resume() > 0) {
    for (const { service: id } of plan.tasks) runner.onHealth(id, true)
    return
  }
  const left = store.list('p_test', { limit: 1 })[0]
  if (left !== undefined && left.status !== 'pending') return void tell({ type: 'settled', commits })
  const record: PlanRecord = {
    id: 'o_kill',
    projectId: 'p_test',
    clientId: 'local',
    action: 'x',
    data: [],
    approval: [],
    status: 'pending',
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
    createdAt: Date.now(),
    changedAt: Date.now()
  }
  const number = left?.number ?? store.create(record)
  runner.start({ number, record, compensation: null, settled: false }, plan, {})
})
