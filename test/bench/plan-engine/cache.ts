import { median, percentile } from '../processes.ts'
import { copyKeptPlan } from './fill-store.ts'
import { noteActions, shapes } from './shapes.ts'
import { allWell, inMs, run } from './speed.ts'
import type { Stage } from './stage.ts'

/** From the request to the first task at its service, with a full plan cache: the same words again, and other words each time. */
export async function measureCacheHits(stage: Stage, kept: number): Promise<string> {
  await stage.newProject()
  allWell(await run(stage.caller, 'note', { plans: 1, concurrent: 1 }))
  await stage.server.stop()
  copyKeptPlan(stage.server.home, stage.projectId, kept - 1)
  await stage.restart()
  const { action, field } = shapes.note
  allWell(await run(stage.caller, 'note', { plans: 20, concurrent: 1 }))
  const same = await firstTaskAfter(
    stage,
    Array.from({ length: 100 }, () => action),
    field
  )
  const reworded = await firstTaskAfter(stage, noteActions().slice(1), field)
  return `With ${kept.toLocaleString('en')} plans in the cache, from the request to its first task at the service: **${inMs(median(same.ms))}** p50, ${inMs(percentile(same.ms, 0.99))} p99 for an action in the same words; **${inMs(median(reworded.ms))}** p50, ${inMs(percentile(reworded.ms, 0.99))} p99 in words that were never embedded before, ${reworded.ms.length} of ${reworded.asked} of which found the plan.`
}

/** `ms`: of the requests for which no model was asked. */
async function firstTaskAfter({ services, caller }: Stage, actions: string[], field: string): Promise<{ asked: number; ms: number[] }> {
  const ms: number[] = []
  for (const action of actions) {
    const before = (await services.run({ kind: 'report' })).modelCalls
    const { sentAt } = allWell(await caller.run({ kind: 'plans', action, field, plans: 1, concurrent: 1, limitMs: 60_000, spreadMs: 0 }))
    const { modelCalls, firstTaskAt } = await services.run({ kind: 'report' })
    if (modelCalls > before) continue
    for (const [value, at] of Object.entries(sentAt)) ms.push((firstTaskAt[value] ?? Number.NaN) - at)
  }
  return { asked: actions.length, ms }
}
