import { lookup } from 'node:dns/promises'
import type { PlanRecord } from '#contracts/plan.ts'
import type { Config } from './config.ts'
import { AppError } from './errors.ts'
import type { Log } from './log.ts'
import { createPlanCache } from './plans/cache/semantic-cache.ts'
import { createPlanEngine } from './plans/create-plan-engine.ts'
import { createPlanMaker } from './plans/make-plan.ts'
import type { PlanEngine } from './plans/plan-engine.ts'
import type { Embed, Planner } from './plans/planning/planner.ts'
import { newProjectId } from './plans/protocol/ids.ts'
import type { ServiceHostEvents } from './plans/services/service-host.ts'
import { createToolbox, type Toolboxes, type ToolboxOptions } from './plans/tools/toolbox.ts'
import { type AddressGuard, createAddressGuard, literalOf } from './plans/webhooks/address-guard.ts'
import { createWebhooks } from './plans/webhooks/create-webhooks.ts'
import { createCompensationFailureStore } from './store/compensation-failures.ts'
import type { Database } from './store/database.ts'
import { createPlanCacheStore } from './store/plan-cache.ts'
import { createPlanProjectStore } from './store/plan-projects.ts'
import { createPlanServiceStore } from './store/plan-services.ts'
import { createPlanToolStore } from './store/plan-tools.ts'
import { createPlanStore } from './store/plans.ts'
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
  planner: Planner
  embed: Embed
  /** Id of the model behind `embed`. */
  embeddingModel: () => string
  /** Undefined: tasks for models cannot be done here. */
  llm: ToolboxOptions['llm']
  /** A plan came to be or its status changed. */
  onChange?: (record: PlanRecord) => void
  log: Log
}): ComposedPlans {
  const { config, db, planner, embed, embeddingModel, llm, log } = options
  const services = createPlanServiceStore(db)
  const guard = createAddressGuard({ airGap: config.airGap, lanAllow: config.lanAllow })
  const cache = createPlanCache({ store: createPlanCacheStore(db), embed, embeddingModel, log })
  const maker = createPlanMaker({
    planner,
    cache,
    servicesOf: services.list,
    ground: async () => ({ type: 'none' }),
    log
  })
  const toolboxesWith = (events: Pick<ServiceHostEvents, 'onMessage' | 'onHealth'>) =>
    createToolbox({
      store: createPlanToolStore(db),
      registerService: ({ id, projectId, ...content }) => void services.register(projectId, id, content),
      removeService: services.remove,
      llm,
      allow: (url) => allowAddress(guard, url),
      events,
      log
    })
  let toolboxes: Toolboxes | undefined
  const engine = createPlanEngine({
    store: createPlanStore(db),
    projects: createPlanProjectStore(db, { newId: newProjectId }),
    services,
    tools(events) {
      toolboxes = toolboxesWith(events)
      return toolboxes.host
    },
    maker,
    cache,
    groundings: {
      apply: () => {
        throw new Error('x')
      },
      list: () => [],
      remove: () => false,
      removeAll: () => {}
    },
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

/** Throws `policy_denied` for an address that must not be called. */
async function allowAddress(guard: AddressGuard, url: URL): Promise<void> {
  guard.checkUrl(url.href)
  if (literalOf(url) !== undefined) return
  for (const { address } of await lookup(url.hostname, { all: true })) {
    const reason = guard.refusal(url.hostname, address)
    if (reason !== undefined) throw new AppError('policy_denied', reason)
  }
}
