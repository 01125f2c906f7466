import { compileJsonSchema } from '../../../server/engines/llama/json-schema-grammar.ts'
import { createLog } from '../../../server/log.ts'
import { createModelPlanner } from '../../../server/plans/planning/model-planner.ts'
import type { PlanningModel } from '../../../server/plans/planning/planner.ts'
import { createSampler } from '../../helpers/grammar-samples.ts'
import { createRandom } from '../../helpers/random.ts'
import { catalogues } from '../plans/catalogues.ts'
import { toServices } from '../plans/to-services.ts'
import { median, percentile } from '../processes.ts'
import { inMs } from './speed.ts'

const wanted = 100

/** What a planning costs beside its model, where 100 services are registered: ranking, prompts, schemas, and the grammars made of them. */
export async function measureGrammar(): Promise<string> {
  const services = Array.from({ length: 3 }, (_, i) => catalogues.flatMap((catalogue) => toServices(catalogue, i === 0 ? '' : `-${i + 1}`)))
    .flat()
    .slice(0, wanted)
  const own: number[] = []
  const compiling: number[] = []
  const known = new Set<string>()
  let valid = 0
  // The first grammar of a process loads what all of them need.
  compileJsonSchema({ type: 'object', properties: { warm: { enum: ['up'] } }, additionalProperties: false })
  for (const { action, data } of catalogues.flatMap((catalogue) => catalogue.actions)) {
    const model = createModelWithoutSense(createRandom(own.length + 1), known)
    const startedAt = performance.now()
    const request = {
      action,
      data: Object.entries(data).map(([field, value]) => ({ field, value })),
      services,
      grounding: undefined,
      example: undefined,
      clientId: 'bench',
      requestId: 'bench',
      deadlineAt: Date.now() + 60_000
    }
    const outcome = await createModelPlanner({ model, log: createLog({ level: 'error' }) }).plan(request, new AbortController().signal)
    own.push(performance.now() - startedAt - model.drawingMs)
    compiling.push(...model.compiling)
    if (outcome.type !== 'failed') valid++
  }
  return `With ${services.length} services, a grammar is built in **${inMs(median(compiling))}** p50, ${inMs(percentile(compiling, 1))} at most (${compiling.length} of them); a whole planning takes ${inMs(median(own))} p50, ${inMs(percentile(own, 0.99))} p99 beside its model. Of ${own.length} actions planned by a model without any sense, which draws its answers from the grammar at random, ${valid} got a valid answer.`
}

/** Writes anything that the grammar allows. `compiling`: of grammars that were not made before. */
function createModelWithoutSense(random: () => number, known: Set<string>): PlanningModel & { compiling: number[]; drawingMs: number } {
  const model = {
    grammar: true,
    compiling: [] as number[],
    drawingMs: 0,
    async complete({ schema }: Parameters<PlanningModel['complete']>[0]) {
      const key = JSON.stringify(schema)
      const startedAt = performance.now()
      const { gbnf } = compileJsonSchema(schema)
      const compiledAt = performance.now()
      if (!known.has(key)) model.compiling.push(compiledAt - startedAt)
      known.add(key)
      const text = createSampler(gbnf, random)()
      model.drawingMs += performance.now() - compiledAt
      return { text, reasoning: '', model: 'without-sense', promptTokens: 0, completionTokens: 0, finishReason: 'stop' as const }
    }
  }
  return model
}
