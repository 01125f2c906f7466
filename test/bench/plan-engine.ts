import { measureCacheHits } from './plan-engine/cache.ts'
import { measureFullStore, measureRestart } from './plan-engine/durability.ts'
import { measureGrammar } from './plan-engine/grammar.ts'
import { measureLatency, measureSimultaneous, measureTaskOverhead, measureThroughput } from './plan-engine/speed.ts'
import { openStage } from './plan-engine/stage.ts'
import type { Section } from './report.ts'

/** How fast plans run, what the gateway needs for it, and what becomes of them when it is killed. */
export async function measurePlanEngine(): Promise<Section> {
  const stage = await openStage()
  try {
    const latency = await measureLatency(stage)
    const throughput = await measureThroughput(stage, 10_000)
    const overhead = await measureTaskOverhead(stage)
    const simultaneous = await measureSimultaneous(stage)
    const cacheHits = await measureCacheHits(stage, 10_000)
    const full = await measureFullStore(stage, 100_000)
    const restart = await measureRestart(stage, 1000)
    const grammar = await measureGrammar()
    return {
      title: 'Plan engine',
      text: [
        `Over HTTP, WebSocket and webhooks as clients see it, everything durable: services that echo and a model endpoint that answers at once, in a process of their own; the caller in another. All but the first request of an action find their plan in the cache, whose embedding model is ${stage.embedding}. From the request to its webhook, one plan at a time:`,
        latency,
        'Five tasks in a chain, as fast as they come:',
        throughput,
        overhead,
        simultaneous,
        cacheHits,
        full,
        restart,
        grammar
      ]
    }
  } finally {
    await stage.close()
  }
}
