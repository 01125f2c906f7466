import { table } from './overhead.ts'
import { chatBody, cpuMs, fakeCatalogue, median, memoryOf, startLoad, startServer } from './processes.ts'
import type { Section } from './report.ts'

const repetitions = 3

/** What streaming costs the gateway, for each token and for each stream that only waits. */
export async function measureTokens(): Promise<Section> {
  const server = await startServer({ OUTPOST_SLOTS: '4096', OUTPOST_MAX_QUEUE: '100000' }, fakeCatalogue)
  const load = startLoad()
  try {
    await load.run({ kind: 'closed-loop', port: server.port, streams: 64, requests: 2000, body: chatBody('tokens=50') })
    const rows: string[][] = []
    for (const [name, script, streams] of [
      ['as fast as they come', 'tokens=400', 512],
      ['one each 20 ms', 'tokens=150 stepMs=20', 512]
    ] as const) {
      const costs: number[] = []
      const rates: number[] = []
      for (let i = 0; i < repetitions; i++) {
        const before = cpuMs(server.pid)
        const report = await load.run({ kind: 'rounds', port: server.port, streams, rounds: 2, body: chatBody(script) })
        if (report.failed > 0) throw new Error(`${report.failed} requests failed while measuring`)
        costs.push((cpuMs(server.pid) - before) / (report.chunks / 1000))
        rates.push(report.chunks / (report.wallMs / 1000))
      }
      rows.push([name, String(streams), `${median(rates).toFixed(0)}/s`, `${median(costs).toFixed(2)} ms`])
    }
    const before = memoryOf(server.pid)
    const idle = 2000
    const held = await load.run({ kind: 'hold', port: server.port, streams: idle, body: chatBody('tokens=2 stepMs=60000') })
    if (held.failed > 0) throw new Error(`${held.failed} of ${idle} streams did not open`)
    const each = (memoryOf(server.pid) - before) / idle / 1024
    await load.run({ kind: 'release' })
    return {
      title: 'Streaming',
      text: [
        'Processor time of the gateway for each 1,000 tokens it streams to sockets, requests included.',
        table(['tokens', 'streams', 'rate', 'gateway processor per 1,000 tokens'], rows),
        `An open stream that waits for its next token costs the gateway **${each.toFixed(1)} kB** (${idle} of them).`
      ]
    }
  } finally {
    await load.stop()
    await server.stop()
  }
}
