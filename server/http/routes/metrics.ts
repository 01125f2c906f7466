import type { FastifyInstance } from 'fastify'
import { type ModelTotals, ttftBounds } from '../../store/usage-totals.ts'
import type { QueueSnapshot } from '../services.ts'
import type { RouteContext } from './context.ts'

/** Prometheus text. Answers are counted here; jobs, tokens and times come from where usage is booked, so that clients that left count too. */
export function createMetrics(app: FastifyInstance, { services, readers }: RouteContext): () => Promise<string> {
  const answers = new Map<string, number>()
  app.addHook('onResponse', (request, reply, done) => {
    const key = `${request.routeOptions.url ?? 'none'} ${reply.raw.statusCode}`
    answers.set(key, (answers.get(key) ?? 0) + 1)
    done()
  })
  return async () => {
    // Redis being away must not hide the other figures: that is when one looks.
    const queues = await services.jobs.queues().catch((): QueueSnapshot[] => [])
    const totals = services.usage.totals()
    const lines = [
      ...family(
        'outpost_http_responses_total',
        'counter',
        'HTTP answers by route and status.',
        [...answers].map(([key, count]) => {
          const [route, status] = key.split(' ')
          return [labels({ route, status }), count]
        })
      ),
      ...family('outpost_http_readers', 'gauge', 'Requests whose answer is under way.', [['', readers.size]]),
      ...family(
        'outpost_jobs_total',
        'counter',
        'Ended jobs by model and outcome.',
        totals.flatMap(({ model, jobs }) => Object.entries(jobs).map(([outcome, count]): Sample => [labels({ model, outcome }), count]))
      ),
      ...family(
        'outpost_tokens_total',
        'counter',
        'Tokens by model and kind.',
        totals.flatMap((total): Sample[] => [
          [labels({ model: total.model, kind: 'prompt' }), total.promptTokens],
          [labels({ model: total.model, kind: 'cached' }), total.cachedTokens],
          [labels({ model: total.model, kind: 'completion' }), total.completionTokens]
        ])
      ),
      ...family(
        'outpost_queue_jobs',
        'gauge',
        'Jobs that wait or run now, by model.',
        queues.flatMap((queue): Sample[] => [
          [labels({ model: queue.model, state: 'waiting' }), queue.waiting],
          [labels({ model: queue.model, state: 'running' }), queue.running]
        ])
      ),
      ...histogram(totals)
    ]
    return `${lines.join('\n')}\n`
  }
}

type Sample = [labels: string, value: number]

function family(name: string, type: string, help: string, samples: Sample[]): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples.map(([set, value]) => `${name}${set} ${value}`)]
}

function histogram(totals: ModelTotals[]): string[] {
  const name = 'outpost_time_to_first_token_seconds'
  const lines = [`# HELP ${name} From submission to the first token.`, `# TYPE ${name} histogram`]
  for (const { model, ttft } of totals) {
    let below = 0
    for (const [i, bound] of ttftBounds.entries()) {
      below += ttft.counts[i] ?? 0
      lines.push(`${name}_bucket${labels({ model, le: String(bound / 1000) })} ${below}`)
    }
    lines.push(
      `${name}_bucket${labels({ model, le: '+Inf' })} ${ttft.count}`,
      `${name}_sum${labels({ model })} ${ttft.sum / 1000}`,
      `${name}_count${labels({ model })} ${ttft.count}`
    )
  }
  return lines
}

function labels(set: Record<string, string | undefined>): string {
  const quoted = (value = '') => value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')
  return `{${Object.entries(set)
    .map(([name, value]) => `${name}="${quoted(value)}"`)
    .join(',')}}`
}
