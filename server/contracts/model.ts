import { z } from 'zod'

export const ModelKind = z.enum(['chat', 'embedding'])
export type ModelKind = z.infer<typeof ModelKind>

/** One file of a model. `sources` are tried in order: `hf:org/repo/file@revision`, `pip:package==version!path/in/wheel`, `file:/absolute/path`. */
export const ModelFile = z.object({
  name: z.string().regex(/^[\w][\w.+-]*$/, 'a plain file name'),
  size: z.int().positive(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  sources: z.array(z.string()).default([])
})
export type ModelFile = z.infer<typeof ModelFile>

/** A model one can pull. `id` is its name everywhere: API, command line, console. */
export const CatalogueEntry = z.object({
  id: z.string().regex(/^[a-z0-9][a-z0-9._:-]*$/),
  aliases: z.array(z.string()).default([]),
  name: z.string(),
  description: z.string(),
  kind: ModelKind,
  engine: z.enum(['llama', 'fake']),
  /** SPDX id. */
  licence: z.string(),
  licenceUrl: z.string().optional(),
  parameters: z.int().positive().optional(),
  /** Tokens the model was trained for. */
  contextWindow: z.int().positive(),
  dimensions: z.int().positive().optional(),
  files: z.array(ModelFile)
})
export type CatalogueEntry = z.infer<typeof CatalogueEntry>

export const Catalogue = z.object({
  defaults: z.object({ chat: z.string(), embedding: z.string() }),
  models: z.array(CatalogueEntry)
})
export type Catalogue = z.infer<typeof Catalogue>

/** A model whose files are on this machine. Paths are absolute. */
export type LocalModel = {
  entry: CatalogueEntry
  files: { name: string; path: string; size: number; sha256: string }[]
}

/** `absent`: known, not here. `present`: weights here, not loaded; a request loads it. `failed`: gave up loading, `reason` says why. */
export const ModelState = z.enum(['absent', 'pulling', 'present', 'loading', 'ready', 'failed'])
export type ModelState = z.infer<typeof ModelState>

/** A model as the server sees it now. */
export const ModelStatus = z.object({
  id: z.string(),
  aliases: z.array(z.string()),
  name: z.string(),
  kind: ModelKind,
  engine: z.string(),
  licence: z.string(),
  state: ModelState,
  /** Of the pull or the load, while there is one. */
  percent: z.int().min(0).max(100).nullable(),
  reason: z.string().nullable(),
  /** Never unloaded to make room. */
  pinned: z.boolean(),
  /** Bytes on disk, or to download. */
  size: z.int(),
  contextWindow: z.int(),
  slots: z.int().nullable(),
  dimensions: z.int().nullable(),
  /** Unix milliseconds: when its weights came here. */
  createdAt: z.int()
})
export type ModelStatus = z.infer<typeof ModelStatus>
