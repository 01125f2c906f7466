import assert from 'node:assert/strict'
import type { PlanEvent, Service } from '#contracts/plan.ts'
import { advance, attemptFailed, type Facts, wakeAt } from '../../../server/plans/execution/advance.ts'
import { applyEvent, newPlanState } from '../../../server/plans/execution/state.ts'
import type { Check } from '../run.ts'

type Outcome = 'ok' | 'error' | 'timeout' | 'unhealthy'

/** One task of which each attempt goes as the case says; the clock jumps to whenever something is due. */
export const check: Check = (input, expected) => {
  const outcomes = [...(input as { attempt_outcomes: Outcome[] }).attempt_outcomes]
  const task = { id: 'task1', service: 's_x', serviceVersion: 1, input: {}, approval: false }
  const state = newPlanState('o_x', { taskZero: {}, tasks: [task], parallelGroups: [] })
  let sendings = 0
  let timeoutSeconds: number | undefined
  const waits: number[] = []
  const facts: Facts = {
    now: 1000,
    wall: 1000,
    timeoutMs: 30_000,
    gracePeriodMs: 1_800_000,
    deadlineAt: null,
    serviceOf: () => service,
    isHealthy: () => outcomes[0] !== 'unhealthy',
    arrivedAt: () => facts.now,
    hereSince: () => facts.now,
    hasInstance: () => true,
    newExecutionId: () => `e_${++sendings}`,
    random: () => 0.5
  }
  const take = (events: PlanEvent[]) => {
    for (const event of events) {
      if (event.type === 'task-attempt-failed' && event.retryAt !== undefined) waits.push((event.retryAt - facts.wall) / 1000)
      applyEvent(state, { ...event, at: facts.wall }, facts.now, facts.timeoutMs)
    }
  }
  const pass = (ms: number) => {
    facts.now += ms
    facts.wall += ms
  }
  take([{ type: 'plan-started', plan: state.plan }])
  const entry = state.tasks.get('task1') ?? assert.fail()
  for (;;) {
    const next = advance(state, facts)
    take(next)
    if (state.end !== undefined) break
    if (next.length > 0) continue
    if (entry.phase === 'sent') {
      const outcome = outcomes.shift()
      if (outcome === 'ok') take([{ type: 'task-completed', task: 'task1', output: {} }])
      else if (outcome === 'error') take([attemptFailed(entry, 'broken', false, facts)])
      else if (outcome === 'timeout') {
        const due = wakeAt(state, facts) ?? assert.fail('nothing wakes it')
        timeoutSeconds = (due - facts.now) / 1000
        pass(due - facts.now)
      } else assert.fail(`sent although it is ${outcome}`)
    } else if (entry.phase === 'paused') {
      outcomes.shift()
      pass(1)
    } else pass((wakeAt(state, facts) ?? assert.fail('nothing wakes it')) - facts.now)
  }
  const want = expected as { attempts?: number; task: string; waits_s_nominal?: number[]; counted_errors?: number; timeout_s?: number }
  assert.equal(entry.phase, want.task)
  if (want.attempts !== undefined) assert.equal(sendings, want.attempts)
  if (want.waits_s_nominal !== undefined) assert.deepEqual(waits, want.waits_s_nominal)
  if (want.counted_errors !== undefined) assert.equal(entry.errors, want.counted_errors)
  if (want.timeout_s !== undefined) assert.equal(timeoutSeconds, want.timeout_s)
}

const service: Service = {
  id: 's_x',
  projectId: 'p_x',
  kind: 'service',
  name: 'x',
  description: 'x',
  input: { type: 'object', properties: {} },
  output: { type: 'object', properties: {} },
  revertible: false,
  approval: false,
  version: 1,
  origin: 'connected',
  registeredAt: 0
}
