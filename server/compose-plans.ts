import type { PlanRecord } from '#contracts/plan.ts'
import type { Config } from './config.ts'
import { AppError } from './errors.ts'
import type { KnownModels } from './known-models.ts'
import type { Log } from './log.ts'
import { createPlanModels } from './plan-models.ts'
import { createPlanCache } from './plans/cache/semantic-cache.ts'
import { createPlanEngine } from './plans/create-plan-engine.ts'
import { createGroundings } from './plans/grounding/groundings.ts'
import { createPlanMaker } from './plans/make-plan.ts'
import type { PlanEngine } from './plans/plan-engine.ts'
import { createDeterministicPlanner } from './plans/planning/deterministic-planner.ts'
import { createModelPlanner } from './plans/planning/model-planner.ts'
import { newProjectId } from './plans/protocol/ids.ts'
import type { ServiceHostEvents } from './plans/services/service-host.ts'
import { createGuardedFetch } from './plans/tools/guarded-fetch.ts'
import { createToolbox, type Toolboxes, type ToolboxOptions } from './plans/tools/toolbox.ts'
import { createAddressGuard } from './plans/webhooks/address-guard.ts'
import { createWebhooks } from './plans/webhooks/create-webhooks.ts'
import { createQueuedTasks, type Submit } from './queued-model.ts'
import { createCompensationFailureStore } from './store/compensation-failures.ts'
import type { Database } from './store/database.ts'
import { createGroundingStore } from './store/groundings.ts'
import { createPlanCacheStore } from './store/plan-cache.ts'
import { createPlanProjectStore } from './store/plan-projects.ts'
import { createPlanServiceStore } from './store/plan-services.ts'
import { createPlanToolStore } from './store/plan-tools.ts'
import { createPlanStore } from './store/plans.ts'
import { createTextVectorStore } from './store/text-vectors.ts'
import { createWebhookStore } from './store/webhooks.ts'

/** The plan engine, and the tools built into it, which close after it. */
export type ComposedPlans = { engine: PlanEngine; toolboxes: Toolboxes; close(): Promise<void> }

/** What the original's services are used to; an order may say otherwise. */
const attemptMs = 30_000
const gracePeriodMs = 1_800_000
const dayMs = 86_400_000

export function composePlans(options: {
  config: Config
  db: Database
  submit: Submit
  models: KnownModels
  /** The server's default models. */
  wanted: { chat: string; embedding: string }
  /** A plan came to be or its status changed. */
  onChange?: (record: PlanRecord) => void
  log: Log
}): ComposedPlans {
  const { config, db, submit, models, wanted, log } = options
  const { planning, embed } = createPlanModels({ config, submit, models, wanted, log })
  const planner = config.planner === 'deterministic' ? createDeterministicPlanner() : createModelPlanner({ model: planning, embed, log })
  const embeddingModel = () => config.embeddingEndpoint?.model ?? wanted.embedding
  const store = createPlanStore(db)
  const complete = createQueuedTasks(submit)
  const llm: ToolboxOptions['llm'] = {
    async complete({ planId, model = config.planModel ?? wanted.chat, ...order }, signal) {
      const { id, kind } = models.resolve(model)
      if (kind !== 'chat') throw new AppError('unsupported_feature', `the model ${id} writes no text; name a chat model in the toolbox`)
      return await complete({ ...order, model: id, clientId: store.clientOf(planId) ?? 'local' }, signal)
    }
  }
  const services = createPlanServiceStore(db)
  const guard = createAddressGuard({ airGap: config.airGap, lanAllow: config.lanAllow })
  const cache = createPlanCache({ store: createPlanCacheStore(db), embed, embeddingModel, log })
  const groundings = createGroundings({
    store: createGroundingStore(db),
    vectors: createTextVectorStore(db),
    embed,
    embeddingModel,
    ungrounded: config.ungrounded,
    log
  })
  const maker = createPlanMaker({
    planner,
    cache,
    servicesOf: services.list,
    groundings,
    log
  })
  const toolboxesWith = (events: Pick<ServiceHostEvents, 'onMessage' | 'onHealth'>) =>
    createToolbox({
      store: createPlanToolStore(db),
      registerService: ({ id, projectId, ...content }) => void services.register(projectId, id, content),
      removeService: services.remove,
      llm,
      fetch: createGuardedFetch(guard),
      events,
      log
    })
  let toolboxes: Toolboxes | undefined
  const engine = createPlanEngine({
    store,
    projects: createPlanProjectStore(db, { newId: newProjectId }),
    services,
    tools(events) {
      toolboxes = toolboxesWith(events)
      return toolboxes.host
    },
    maker,
    cache,
    groundings,
    webhooks: createWebhooks({ store: createWebhookStore(db), guard, log }),
    failures: createCompensationFailureStore(db),
    defaults: { timeoutMs: attemptMs, gracePeriodMs, planningMs: config.planningTimeout * 1000 },
    onChange: options.onChange,
    retentionMs: config.planRetentionDays === 0 ? undefined : config.planRetentionDays * dayMs,
    log
  })
  if (toolboxes === undefined) throw new TypeError('the engine makes its tools when it is made')
  const built: Toolboxes = toolboxes
  return {
    engine,
    toolboxes: built,
    async close() {
      await engine.close()
      await built.close()
    }
  }
}
