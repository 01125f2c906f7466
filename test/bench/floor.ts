import type { JobEvent, SequencedEvent } from '#contracts/event.ts'
import type { ModelStatus } from '#contracts/model.ts'
import { loadConfig } from '../../server/config.ts'
import { createFakeEngine } from '../../server/engines/fake/fake-engine.ts'
import { FakeTraits } from '../../server/engines/fake/fake-script.ts'
import { buildApp } from '../../server/http/app.ts'
import { createLog } from '../../server/log.ts'
import { openDatabase } from '../../server/store/database.ts'
import { createKeyStore } from '../../server/store/keys.ts'
import { createSessionStore } from '../../server/store/sessions.ts'
import { createSignInLinks } from '../../server/store/sign-in-links.ts'
import { createUsageStore } from '../../server/store/usage.ts'
import { createScriptedPlans } from '../http/scripted-plans.ts'

/** The floor every ratio is measured against: the same HTTP side, with the same engine called inside its process. */
const db = openDatabase(':memory:')
const engine = await createFakeEngine(FakeTraits.parse({ slots: 4096 }))
const model: ModelStatus = {
  id: 'fake',
  aliases: [],
  name: 'Fake',
  kind: 'chat',
  engine: 'fake',
  licence: '',
  state: 'ready',
  percent: null,
  reason: null,
  pinned: false,
  size: 0,
  uses: ['chat'],
  trust: 'catalogue',
  contextWindow: 8192,
  slots: 4096,
  dimensions: null,
  createdAt: 0
}
const unused = async () => {
  throw new Error('not part of the floor')
}
const refused = (): never => {
  throw new Error('not part of the floor')
}
let jobs = 0
const keys = createKeyStore(db, { pepper: Buffer.alloc(32) })
const app = await buildApp({
  config: loadConfig({}),
  log: createLog({ level: 'silent' }),
  keys,
  sessions: createSessionStore(db, { pepper: Buffer.alloc(32), keys }),
  signInLinks: createSignInLinks(),
  signInLink: refused,
  consoleFolder: undefined,
  onChange: () => () => {},
  usage: createUsageStore(db),
  models: {
    list: () => [model],
    resolve: () => model,
    pull: unused,
    order: unused,
    pulls: { list: () => [], find: () => undefined, stop: () => false, follow: () => () => {} },
    blobPath: () => '',
    load: unused,
    unload: unused,
    describe: unused,
    fit: unused
  },
  plans: createScriptedPlans(db).plans,
  toolboxes: { add: unused, replace: unused, refresh: unused, remove: unused, list: () => [], find: refused },
  bundles: { inspect: unused, start: unused, status: () => null, signers: () => [] },
  upkeep: {
    remove: refused,
    adopt: unused,
    collectGarbage: unused,
    verify: unused,
    verification: refused,
    setPinned: refused,
    policy: refused,
    setPolicy: refused
  },
  jobs: {
    async submit(submission, listener) {
      const jobId = `job${jobs++}`
      const controller = new AbortController()
      let seq = 0
      const run = async () => {
        if (submission.kind !== 'chat') return
        let batch: SequencedEvent[] = []
        const send = () => {
          const events = batch
          batch = []
          listener(events)
        }
        for await (const event of engine.chat(submission.request, controller.signal)) {
          if (batch.length === 0) setImmediate(send)
          batch.push(Object.assign(event as JobEvent, { jobId, seq: seq++ }))
        }
      }
      void run()
      return { jobId, leave: () => controller.abort() }
    },
    follow: unused,
    cancel: async () => false,
    queues: async () => []
  },
  notReady: () => undefined
})
await app.listen({ host: '127.0.0.1', port: 0, backlog: 4096 })
const address = app.server.address()
process.send?.({ port: typeof address === 'object' ? address?.port : 0 })
process.on('disconnect', () => process.exit(0))
