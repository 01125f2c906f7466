import { statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { Service } from '#contracts/plan.ts'
import { loadLlamaEngine } from '../../../server/engines/llama/llama-engine.ts'
import { createLog } from '../../../server/log.ts'
import { createModelPlanner } from '../../../server/plans/planning/model-planner.ts'
import type { PlanningOutcome } from '../../../server/plans/planning/planner.ts'
import { realEmbed } from '../../helpers/embedding.ts'
import type { BenchAction, Catalogue } from './catalogue.ts'
import { catalogues } from './catalogues.ts'
import { createLocalModel } from './local-model.ts'
import { scorePlan } from './score.ts'
import { toServices } from './to-services.ts'

/**
 * A process of its own: loads a model, plans the actions of all catalogues with it, and tells of each as it ends. Arguments: the model's id, its
 * file, `on` or `off` for the grammar, and how many actions of each catalogue.
 */
export type PlannedAction = {
  catalogue: string
  action: string
  outcome: PlanningOutcome['type']
  /** 1: the first try was valid. */
  attempts: number
  valid: boolean
  services: boolean
  references: boolean | undefined
  wrong: string[]
  promptTokens: number
  completionTokens: number
  ms: number
}

/** No planning takes longer: an action that does counts as not planned. */
const longestMs = 45_000

// Whoever started it is gone, or everything is told.
process.on('disconnect', () => process.exit(0))

const [id = '', path = '', grammar = 'on', each = '0'] = process.argv.slice(2)
const log = createLog({ level: 'error' })
const engine = await loadLlamaEngine({ modelId: id, path, kind: 'chat', threads: Math.max(1, availableParallelism() - 1), slots: 1, log })
// As a server that has the default embedding model.
const embed = await realEmbed({ after: () => {} })
const planner = createModelPlanner({ model: createLocalModel(engine, { bytes: statSync(path).size, grammar: grammar === 'on' }), embed, log })

async function planOne(catalogue: Catalogue, services: Service[], action: BenchAction): Promise<PlannedAction> {
  const figures = { attempts: 1, promptTokens: 0, completionTokens: 0 }
  const startedAt = performance.now()
  const outcome = await planner.plan(
    {
      action: action.action,
      data: Object.entries(action.data).map(([field, value]) => ({ field, value })),
      services,
      grounding: undefined,
      example: undefined,
      clientId: 'bench',
      requestId: 'bench',
      deadlineAt: Date.now() + longestMs,
      onAttempt(attempt) {
        figures.attempts = Math.max(figures.attempts, attempt.attempt)
        figures.promptTokens += attempt.promptTokens
        figures.completionTokens += attempt.completionTokens
      }
    },
    new AbortController().signal
  )
  const ms = performance.now() - startedAt
  const score = scorePlan(action, outcome, (serviceId) => services.find((service) => service.id === serviceId)?.name ?? serviceId)
  return { catalogue: catalogue.name, action: action.action, outcome: outcome.type, ms, ...figures, ...score }
}

for (const catalogue of catalogues) {
  const services = toServices(catalogue)
  const actions = each === '0' ? catalogue.actions : catalogue.actions.slice(0, Number(each))
  for (const action of actions) process.send?.(await planOne(catalogue, services, action))
}
// What is under way in the engines ends with the process.
process.disconnect()
