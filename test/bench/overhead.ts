import { chatBody, cpuMs, fakeCatalogue, median, percentile, startFloor, startLoad, startServer } from './processes.ts'
import type { Section } from './report.ts'

const repetitions = 5

/** What the queue and the second process add to the time to first token, and how many requests one core carries. */
export async function measureOverhead(): Promise<Section> {
  const server = await startServer({ OUTPOST_SLOTS: '2048', OUTPOST_MAX_QUEUE: '100000' }, fakeCatalogue)
  const floor = await startFloor()
  const load = startLoad()
  const body = chatBody('tokens=17')
  const rows: string[][] = []
  try {
    const paced = chatBody('tokens=50 stepMs=10')
    for (const port of [floor.port, server.port]) await load.run({ kind: 'rounds', port, streams: 64, rounds: 30, body })
    for (const [streams, each] of [
      [1, 10],
      [64, 8],
      [256, 5]
    ] as const) {
      const figures = { floor50: [] as number[], floor99: [] as number[], all50: [] as number[], all99: [] as number[] }
      for (let i = 0; i < repetitions; i++) {
        const below = await load.run({ kind: 'paced', port: floor.port, streams, each, spreadMs: 600, body: paced })
        const whole = await load.run({ kind: 'paced', port: server.port, streams, each, spreadMs: 600, body: paced })
        if (below.failed + whole.failed > 0) throw new Error('requests failed while measuring')
        figures.floor50.push(percentile(below.ttft, 0.5))
        figures.floor99.push(percentile(below.ttft, 0.99))
        figures.all50.push(percentile(whole.ttft, 0.5))
        figures.all99.push(percentile(whole.ttft, 0.99))
      }
      const [f50, f99, a50, a99] = [figures.floor50, figures.floor99, figures.all50, figures.all99].map(median) as [number, number, number, number]
      rows.push([String(streams), ms(f50), ms(a50), ms(a50 - f50), ms(f99), ms(a99), ms(a99 - f99), `${(a50 / f50).toFixed(1)} ×`])
    }
    const pids = server.pids()
    const all = [pids.gateway, pids.redis, ...pids.workers]
    const perCore: number[] = []
    const perSecond: number[] = []
    const shares: number[][] = []
    for (let i = 0; i < repetitions; i++) {
      const before = all.map(cpuMs)
      const report = await load.run({ kind: 'closed-loop', port: server.port, streams: 64, requests: 4000, body })
      if (report.failed > 0 || report.chunks !== 4000 * 17) throw new Error(`${report.failed} requests failed, ${report.chunks} chunks came`)
      const used = all.map((pid, k) => cpuMs(pid) - (before[k] ?? 0))
      perCore.push(4000 / (used.reduce((sum, one) => sum + one, 0) / 1000))
      perSecond.push(4000 / (report.wallMs / 1000))
      shares.push(used.map((one) => (one * 1000) / 4000))
    }
    const share = [0, 1, 2].map((k) => median(shares.map((one) => one[k] ?? 0)).toFixed(0))
    return {
      title: 'Overhead of the queue',
      text: [
        `The same HTTP side with the fake engine inside its process (floor), and the whole product: BullMQ, Redis with append-only file, worker process. Chats of ten messages; time to first token while so many streams are open, each of 50 tokens, one in 10 ms, asking again when it has ended. Median of ${repetitions} interleaved repetitions.`,
        table(['streams at once', 'floor p50', 'Outpost p50', 'added p50', 'floor p99', 'Outpost p99', 'added p99', 'ratio p50'], rows),
        `Closed loop of 64 streams of 17 tokens, as fast as they come: **${median(perCore).toFixed(0)} requests per core and second** over gateway, Redis and worker together (${share[0]}, ${share[1]} and ${share[2]} µs of processor each), ${median(perSecond).toFixed(0)} requests/s on this machine beside the load generator.`
      ]
    }
  } finally {
    await load.stop()
    await floor.stop()
    await server.stop()
  }
}

const ms = (value: number) => `${value.toFixed(2)} ms`

export function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}
