import { median, percentile } from '../processes.ts'
import { copyNewestPlan } from './fill-store.ts'
import { shapes } from './shapes.ts'
import { allWell, inMs, run } from './speed.ts'
import type { Stage } from './stage.ts'

/** Views of a store that has held plans for years. Leaves the store full. */
export async function measureFullStore(stage: Stage, plans: number): Promise<string> {
  allWell(await run(stage.caller, 'chain', { plans: 1, concurrent: 1 }))
  await stage.server.stop()
  copyNewestPlan(stage.server.home, stage.projectId, plans)
  const listeningMs = await stage.restart()
  const { ids } = allWell(await run(stage.caller, 'chain', { plans: 20, concurrent: 1 }))
  const figures: string[] = []
  for (const [title, path] of [
    ['the list of the newest 100', '/orchestrations?limit=100'],
    ['the list as the original gives it', '/orchestrations'],
    ['an inspection', `/orchestrations/inspections/${ids[0]}`]
  ] as const) {
    const { ms, bytes } = await stage.caller.run({ kind: 'get', path, times: 50 })
    figures.push(`${title} (${(bytes / 1024).toFixed(0)} kB) takes **${inMs(median(ms))}** p50, ${inMs(percentile(ms, 0.99))} p99`)
  }
  return `With ${plans.toLocaleString('en')} finished plans of five tasks in the store the server listens after ${inMs(listeningMs)}; ${figures.join('; ')}.`
}

/** The gateway is killed while plans wait for their second task, and started again. */
export async function measureRestart(stage: Stage, plans: number): Promise<string> {
  const { action, field } = shapes.stamp
  await stage.newProject({ services: 2 })
  await stage.services.run({ kind: 'hold' })
  await stage.caller.run({ kind: 'start', action, field, plans })
  await stage.services.run({ kind: 'await-asked', count: plans })
  await stage.server.kill()
  await stage.services.run({ kind: 'forget' })
  const startedAt = performance.timeOrigin + performance.now()
  const listeningMs = await stage.restart()
  const { lastAskedAt } = await stage.services.run({ kind: 'await-asked', count: plans })
  await stage.services.run({ kind: 'release' })
  const { ended, failed } = await stage.caller.run({ kind: 'await-ends' })
  const { repeated } = await stage.services.run({ kind: 'report' })
  const allMs = lastAskedAt - startedAt
  return `Killed with -9 while ${plans.toLocaleString('en')} plans waited for their second task: after the start all of them went on within **${inMs(allMs)}** of the command, ${inMs(allMs - listeningMs)} after the server listened. ${ended - failed} of ${ended} ended well, ${repeated} tasks ran again.`
}
