import { randomBytes } from 'node:crypto'
import { composePlans } from '../../server/compose-plans.ts'
import { loadConfig } from '../../server/config.ts'
import { AppError } from '../../server/errors.ts'
import { buildApp } from '../../server/http/app.ts'
import type { KnownModels } from '../../server/known-models.ts'
import { createLog } from '../../server/log.ts'
import { openDatabase } from '../../server/store/database.ts'
import { createKeyStore } from '../../server/store/keys.ts'
import { createScriptedServices } from '../http/scripted-services.ts'

/**
 * A server to send the cases of `http_api` to: the real plan engine with its planner that asks no model, nothing in it yet, and projects may
 * be registered without a key.
 */
export async function startPlanServer(): Promise<{ url: string; [Symbol.asyncDispose](): Promise<void> }> {
  const config = loadConfig({ OUTPOST_HOME: '/nonexistent', OUTPOST_PLANNER: 'deterministic' })
  const log = createLog({ level: 'silent' })
  const db = openDatabase(':memory:')
  const { services } = createScriptedServices()
  const plans = composePlans({
    config,
    db,
    submit: async () => {
      throw new AppError('model_not_ready', 'there is no model')
    },
    // Of all there is to models, only their names are asked for.
    models: services.models as unknown as KnownModels,
    wanted: { chat: 'small', embedding: 'embedder' },
    log
  })
  const app = await buildApp({ ...services, config, log, keys: createKeyStore(db, { pepper: randomBytes(32), log }), plans: plans.engine })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return {
    url,
    async [Symbol.asyncDispose]() {
      await app.close()
      await plans.close()
      db.close()
    }
  }
}
