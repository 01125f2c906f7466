import { table } from './overhead.ts'
import { chatBody, cpuMs, fakeCatalogue, median, memoryOf, startBareWrites, startLoad, startServer } from './processes.ts'
import type { Section } from './report.ts'

const repetitions = 3
const streams = 512

/** What streaming costs the gateway, for each token and for each stream that only waits. */
export async function measureTokens(): Promise<Section> {
  const server = await startServer({ OUTPOST_SLOTS: '4096', OUTPOST_MAX_QUEUE: '100000' }, fakeCatalogue)
  const load = startLoad()
  try {
    await load.run({ kind: 'closed-loop', port: server.port, streams: 64, requests: 2000, body: chatBody('tokens=50') })
    const rows: string[][] = []
    for (const [name, tokens, stepMs] of [
      ['as fast as they come', 1000, 0],
      ['one each 20 ms', 150, 20]
    ] as const) {
      const body = chatBody(`tokens=${tokens} stepMs=${stepMs}`)
      const bare = await startBareWrites(tokens, stepMs)
      try {
        const sides = [server, bare].map(({ port, pid }) => ({ port, pid, costs: [] as number[], rates: [] as number[] }))
        for (const { port } of sides) await load.run({ kind: 'rounds', port, streams, rounds: 1, body })
        for (let i = 0; i < repetitions; i++) {
          for (const { port, pid, costs, rates } of sides) {
            const before = cpuMs(pid)
            const report = await load.run({ kind: 'rounds', port, streams, rounds: 2, body })
            if (report.failed > 0) throw new Error(`${report.failed} requests failed while measuring`)
            costs.push((cpuMs(pid) - before) / (report.chunks / 1000))
            rates.push(report.chunks / (report.wallMs / 1000))
          }
        }
        const [own = 0, floor = 0] = sides.map(({ costs }) => median(costs))
        const rate = median(sides[0]?.rates ?? [])
        rows.push([name, `${rate.toFixed(0)}/s`, `${own.toFixed(2)} ms`, `${floor.toFixed(2)} ms`])
      } finally {
        await bare.stop()
      }
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
        `Processor time of the gateway for each 1,000 tokens it streams to sockets, at ${streams} streams, requests included. Beside it a bare loop that does nothing but write one ready chunk for each token to as many sockets. (As fast as they come, the gateway has several tokens of a stream at once and writes them together; the bare loop never does.)`,
        table(['tokens', 'rate', 'gateway processor per 1,000 tokens', 'bare writes'], rows),
        `An open stream that waits for its next token costs the gateway **${each.toFixed(1)} kB** (${idle} of them).`
      ]
    }
  } finally {
    await load.stop()
    await server.stop()
  }
}
