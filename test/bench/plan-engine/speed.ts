import { table } from '../overhead.ts'
import { cpuMs, median, memoryOf, percentile } from '../processes.ts'
import type { CallerReport } from './caller.ts'
import { type ShapeName, shapes } from './shapes.ts'
import type { Stage } from './stage.ts'

const chainTasks = shapes.chain.waitsFor.length

/** From the request to the webhook, one plan at a time. */
export async function measureLatency({ caller }: Stage): Promise<string> {
  const rows: string[][] = []
  for (const [title, shape, times] of [
    ['one task', 'one', 300],
    ['five chained', 'chain', 150],
    ['five parallel', 'parallel', 150]
  ] as const) {
    await run(caller, shape, { plans: 20, concurrent: 1 })
    const { ms } = allWell(await run(caller, shape, { plans: times, concurrent: 1 }))
    rows.push([title, inMs(median(ms)), inMs(percentile(ms, 0.99))])
  }
  return table(['plan', 'p50', 'p99'], rows)
}

/** As many plans as there are places, without a pause. */
export async function measureThroughput({ server, caller }: Stage, plans: number): Promise<string> {
  const rows: string[][] = []
  for (const concurrent of [100, 400]) {
    let peak = 0
    const watch = setInterval(() => {
      peak = Math.max(peak, memoryOf(server.pid))
    }, 100)
    const before = cpuMs(server.pid)
    const report = await run(caller, 'chain', { plans, concurrent, limitMs: 75_000 }).finally(() => clearInterval(watch))
    const each = (cpuMs(server.pid) - before) / (report.ended * chainTasks)
    rows.push([
      String(concurrent),
      String(report.ended),
      (report.ended / (report.wallMs / 1000)).toFixed(0),
      inMs(median(report.ms)),
      inMs(percentile(report.ms, 0.99)),
      `${(peak / 1024 / 1024).toFixed(0)} MB`,
      `${each.toFixed(2)} ms`,
      `${report.failed + report.wrong}${report.reason === '' ? '' : ` (${report.reason})`}`
    ])
  }
  return table(['at once', 'plans', 'plans/s', 'p50', 'p99', 'memory of the gateway', 'its processor per task', 'errors'], rows)
}

/** What lies between two tasks of a plan, while 200 plans run whose services are at work most of the time. */
export async function measureTaskOverhead(stage: Stage): Promise<string> {
  const workMs = 250
  const running = 200
  await stage.newProject({ workMs })
  allWell(await run(stage.caller, 'chain', { plans: 1, concurrent: 1 }))
  await stage.services.run({ kind: 'forget' })
  allWell(await run(stage.caller, 'chain', { plans: running * 8, concurrent: running, spreadMs: workMs * chainTasks }))
  const { gapsMs } = await stage.services.run({ kind: 'report' })
  await stage.newProject()
  return `${running} plans running, each with a service at work that takes ${workMs} ms: from a task's end to the beginning of the next, seen by the services, **${inMs(median(gapsMs))}** p50, ${inMs(percentile(gapsMs, 0.99))} p99.`
}

/** Requests that come at the same moment with an action nobody asked for before. */
export async function measureSimultaneous(stage: Stage): Promise<string> {
  const count = 20
  await stage.newProject()
  await stage.services.run({ kind: 'model-delay', ms: 300 })
  const before = (await stage.services.run({ kind: 'report' })).modelCalls
  const { right, reason } = await run(stage.caller, 'greeting', { plans: count, concurrent: count })
  const calls = (await stage.services.run({ kind: 'report' })).modelCalls - before
  await stage.services.run({ kind: 'model-delay', ms: 0 })
  return `${count} simultaneous requests with one new action and ${count} values: **${calls} call${calls === 1 ? '' : 's'} of the model, ${right} right answers**${reason === '' ? '' : ` (${reason})`}.`
}

export function run(
  caller: Stage['caller'],
  shape: ShapeName,
  amount: { plans: number; concurrent: number; limitMs?: number; spreadMs?: number }
): Promise<CallerReport> {
  const { action, field } = shapes[shape]
  return caller.run({ kind: 'plans', action, field, limitMs: 60_000, spreadMs: 0, ...amount })
}

export function allWell(report: CallerReport): CallerReport {
  if (report.failed + report.wrong > 0) throw new Error(`${report.failed} plans failed and ${report.wrong} had another's value: ${report.reason}`)
  return report
}

export const inMs = (value: number) => `${value.toFixed(value < 10 ? 2 : 0)} ms`
