import type { Service } from '#contracts/plan.ts'
import { AppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { Embed } from './planner.ts'

/** How near services are to an action in meaning. */
export type ServiceVectors = {
  /** Cosine for each service, in order. Undefined: there is no embedding model that can say. */
  similarities(action: string, services: readonly Service[], signal: AbortSignal): Promise<number[] | undefined>
}

/** Services are embedded once a version. */
const mostKept = 5000

export function createServiceVectors({ embed, log }: { embed: Embed; log: Log }): ServiceVectors {
  const kept = new Map<string, Float32Array>()
  return {
    async similarities(action, services, signal) {
      const unknown = services.filter((service) => !kept.has(keyOf(service)))
      try {
        const vectors = await embed([action, ...unknown.map(({ name, description }) => `${name}: ${description}`)], signal)
        const [asked, ...fresh] = vectors ?? []
        if (asked === undefined) return undefined
        for (const [index, service] of unknown.entries()) {
          const vector = fresh[index]
          if (vector !== undefined) kept.set(keyOf(service), vector)
        }
        const found = services.map((service) => dot(asked, kept.get(keyOf(service))))
        for (const key of kept.keys()) {
          if (kept.size <= mostKept) break
          kept.delete(key)
        }
        return found
      } catch (error) {
        if (signal.aborted || !(error instanceof AppError)) throw error
        // Words in common say nearly as much.
        log.warn({ code: error.code }, 'services are ranked without the embedding model')
        return undefined
      }
    }
  }
}

function keyOf({ id, version }: Service): string {
  return `${id}@${version}`
}

function dot(a: Float32Array, b: Float32Array | undefined): number {
  if (b === undefined || a.length !== b.length) return 0
  let sum = 0
  for (let index = 0; index < a.length; index++) sum += (a[index] ?? 0) * (b[index] ?? 0)
  return sum
}
