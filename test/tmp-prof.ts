import { run } from './bench/plan-engine/speed.ts'
import { openStage } from './bench/plan-engine/stage.ts'
import { cpuMs, memoryOf } from './bench/processes.ts'

const stage = await openStage()
try {
  await run(stage.caller, 'chain', { plans: 50, concurrent: 10 })
  for (const c of [100, 100, 400]) {
    const b = cpuMs(stage.server.pid)
    const r = await run(stage.caller, 'chain', { plans: 4000, concurrent: c, limitMs: 60_000 })
    const s = [...r.ms].sort((a, b) => a - b)
    console.log(
      c,
      (r.ended / (r.wallMs / 1000)).toFixed(0),
      'plans/s',
      'cpu/task',
      ((cpuMs(stage.server.pid) - b) / (r.ended * 5)).toFixed(3),
      'rss',
      (memoryOf(stage.server.pid) / 1e6).toFixed(0),
      'p50',
      s[s.length >> 1]?.toFixed(0),
      'p99',
      s[Math.floor(s.length * 0.99)]?.toFixed(0),
      r.failed,
      r.reason
    )
  }
} finally {
  await stage.close()
}
