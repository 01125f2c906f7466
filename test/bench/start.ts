import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { placeWeights } from '../helpers/weights.ts'
import { firstTokenOf } from './first-token.ts'
import { table } from './overhead.ts'
import { cpuMs, median, startServer } from './processes.ts'
import type { Section } from './report.ts'

const repetitions = 5

/** From the command to the first token, with everything installed and the model in place. */
export async function measureStart(): Promise<Section> {
  const home = mkdtempSync(join(tmpdir(), 'outpost-bench-home-'))
  const runs: { listening: number; ready: number; first: number; gateway: number; worker: number }[] = []
  try {
    await placeWeights(home)
    for (let i = 0; i <= repetitions; i++) {
      const startedAt = performance.now()
      const server = await startServer({}, undefined, home)
      const ready = performance.now() - startedAt
      const { ms } = await firstTokenOf(server.port, {
        model: 'smollm2',
        temperature: 0,
        max_tokens: 1,
        messages: [{ role: 'user', content: 'Say hello.' }]
      })
      // The first start of all compiles what the others find compiled.
      const { gateway, workers } = server.pids()
      const costs = { gateway: cpuMs(gateway), worker: cpuMs(workers[0] ?? gateway) }
      if (i > 0) runs.push({ listening: server.listeningMs, ready, first: ready + ms, ...costs })
      await server.stop()
    }
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 5 })
  }
  const of = (key: keyof (typeof runs)[number]) => {
    const values = runs.map((run) => run[key])
    return [`${median(values).toFixed(0)} ms`, `${Math.min(...values).toFixed(0)} ms`]
  }
  return {
    title: 'Start',
    text: [
      `From the command \`outpost serve\`, all installed and SmolLM2 in place (${repetitions} starts).`,
      table(
        ['after', 'median', 'best'],
        [
          ['listening', ...of('listening')],
          ['model ready', ...of('ready')],
          ['first token of the first request', ...of('first')]
        ]
      ),
      `Processor time used by then: gateway ${of('gateway')[0]}, worker ${of('worker')[0]} (medians).`
    ]
  }
}
