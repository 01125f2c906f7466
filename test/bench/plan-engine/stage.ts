import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadCatalogue } from '../../../server/models/catalogue.ts'
import { freePort } from '../../helpers/free-port.ts'
import { fakeCatalogue } from '../../helpers/server.ts'
import { embeddingWeights, placeWeights } from '../../helpers/weights.ts'
import { type BenchServer, startServer } from '../processes.ts'
import type { CallerOrder, CallerReport } from './caller.ts'
import { type Child, startCaller, startServices } from './children.ts'
import type { ServicesOrder, ServicesReport } from './services.ts'

/** A server with a project, services that echo, a model that plans at once, and a caller: each in a process of its own. */
export type Stage = {
  readonly server: BenchServer
  readonly services: Child<ServicesOrder, ServicesReport>
  readonly caller: Child<CallerOrder, CallerReport>
  readonly projectId: string
  /** The real embedding model, or the fake one where this machine has no weights of it. */
  readonly embedding: string
  /** A new project with services of its own, five when it is not given, each of whose tasks takes `workMs`. */
  newProject(options?: { workMs?: number; services?: number }): Promise<void>
  /** Starts the server again with the same home and address, after `kill` or `stop`. From the command to its address on the terminal. */
  restart(): Promise<number>
  close(): Promise<void>
}

export async function openStage(): Promise<Stage> {
  const home = mkdtempSync(join(tmpdir(), 'outpost-bench-plans-'))
  const embedding = await chooseEmbedding(home)
  const port = await freePort()
  const services = startServices()
  const caller = startCaller()
  const { modelUrl } = await services.run({ kind: 'report' })
  const env = { LLM_API_BASE_URL: modelUrl, LLM_MODEL: 'bench', LLM_API_KEY: '' }
  const start = () => startServer(env, embedding.catalogue, home, port)
  let server = await start()
  let projectId = ''

  async function newProject({ workMs = 0, services: count = 5 } = {}): Promise<void> {
    const url = `http://127.0.0.1:${port}`
    const project = await caller.run({ kind: 'register', url })
    projectId = project.projectId
    await services.run({ kind: 'connect', url, key: project.key, count, workMs })
  }

  await newProject()
  return {
    get server() {
      return server
    },
    services,
    caller,
    get projectId() {
      return projectId
    },
    embedding: embedding.id,
    newProject,
    async restart() {
      server = await start()
      return server.listeningMs
    },
    async close() {
      await caller.stop()
      await services.stop()
      await server.stop()
      rmSync(home, { recursive: true, force: true, maxRetries: 5 })
    }
  }
}

async function chooseEmbedding(home: string): Promise<{ id: string; catalogue: object }> {
  const packaged = loadCatalogue()
  const real = packaged.models.find(({ id }) => id === packaged.defaults.embedding)
  if (real === undefined || (await embeddingWeights()) === undefined) return { id: 'fake-embed', catalogue: fakeCatalogue }
  await placeWeights(home)
  return { id: real.id, catalogue: { defaults: { chat: 'fake', embedding: real.id }, models: [...fakeCatalogue.models, real] } }
}
