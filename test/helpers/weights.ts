import { copyFileSync, linkSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { LocalModel } from '#contracts/model.ts'
import { loadConfig } from '../../server/config.ts'
import { AppError } from '../../server/errors.ts'
import { createLog } from '../../server/log.ts'
import { loadCatalogue } from '../../server/models/catalogue.ts'
import { createProgressWriter } from '../../server/models/pull/progress.ts'
import { pullModel } from '../../server/models/pull/pull.ts'
import { createModelStore } from '../../server/models/store/store.ts'

const catalogue = loadCatalogue()
const log = createLog({ level: 'warn', name: 'weights' })
const cache = createModelStore({ folder: fileURLToPath(new URL('../../models/cache', import.meta.url)), catalogue, log })

/** Absolute path of the default chat model, pulled into `models/cache/` when it is not there yet. */
export async function chatWeights(): Promise<string> {
  return pathOf(await pull(catalogue.defaults.chat))
}

/** Absolute path of the default embedding model; undefined where no mirror (`OUTPOST_MIRRORS`) has it. */
export async function embeddingWeights(): Promise<string | undefined> {
  try {
    return pathOf(await pull(catalogue.defaults.embedding))
  } catch (error) {
    if (error instanceof AppError && error.code === 'weights_unavailable') return undefined
    throw error
  }
}

/** Chat models with their files: those named, pulled where they are not here; all that are here when none is named. */
export async function installedChatModels(names: string[]): Promise<{ id: string; path: string }[]> {
  if (names.length === 0) {
    await chatWeights()
    return cache
      .list()
      .filter(({ entry }) => entry.kind === 'chat')
      .map((model) => ({ id: model.entry.id, path: pathOf(model) }))
  }
  const ids = names.map((name) => catalogue.models.find(({ id, aliases }) => id === name || aliases?.includes(name))?.id ?? name)
  return await Promise.all(ids.map(async (id) => ({ id, path: pathOf(await pull(id)) })))
}

/** Puts the default models into `OUTPOST_HOME/models` of a test's server, without a copy where the disk is the same. Ids of what is there then. */
export async function placeWeights(home: string): Promise<string[]> {
  await chatWeights()
  await embeddingWeights()
  const store = createModelStore({ folder: join(home, 'models'), catalogue, log })
  mkdirSync(join(home, 'models', 'blobs'), { recursive: true })
  return cache.list().map(({ entry, files }) => {
    for (const file of files) place(file.path, store.blobPath(file.sha256))
    return store.add(entry).entry.id
  })
}

async function pull(id: string): Promise<LocalModel> {
  const entry = catalogue.models.find((model) => model.id === id)
  if (entry === undefined) throw new Error(`the catalogue has no ${id}`)
  const progress = createProgressWriter(process.stderr)
  try {
    return await pullModel({
      entry,
      store: cache,
      sources: loadConfig(),
      log,
      onProgress: ({ file, received, total }) => progress.update(file, received, total)
    })
  } finally {
    progress.end()
  }
}

function pathOf(model: LocalModel): string {
  const file = model.files[0]
  if (file === undefined) throw new Error(`${model.entry.id} has no files`)
  return file.path
}

function place(from: string, to: string): void {
  try {
    linkSync(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return
    copyFileSync(from, to)
  }
}
