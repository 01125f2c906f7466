import { z } from 'zod'

/** What a model answers with: text, vectors, or an order of documents. It decides which endpoint serves it. */
export const ModelKind = z.enum(['chat', 'embedding', 'rerank'])
export type ModelKind = z.infer<typeof ModelKind>

/** What people take a model for, beside its kind. */
export const ModelUse = z.enum(['chat', 'reasoning', 'code', 'vision', 'embedding', 'rerank'])
export type ModelUse = z.infer<typeof ModelUse>

/**
 * One file of a model. Without `sha256` nobody has vouched for its bytes: they are pinned at the first pull (`firstUse`), and the model is never a default.
 * `sources` are tried in order: `hf:org/repo/path@revision`, `pip:package==version!path/in/wheel`, `https://…`, `s3://bucket/key`, `file:/absolute/path`.
 */
export const ModelFile = z.object({
  name: z.string().regex(/^[\w][\w.+-]*$/, 'a plain file name'),
  size: z.int().positive().optional(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  sources: z.array(z.string()).default([]),
  /** In manifests: its size and sha256 are those of what `source` sent at the first pull (Unix milliseconds), or said of it. Nobody else vouches for them. */
  firstUse: z.object({ at: z.int(), source: z.string() }).optional()
})
export type ModelFile = z.infer<typeof ModelFile>

/** A file whose bytes are known, as every file in a manifest is. */
export const PinnedFile = ModelFile.required({ size: true, sha256: true })
export type PinnedFile = z.infer<typeof PinnedFile>

/** `vllm` and any `rerank` model are listed and pulled, but not loaded here: their state tells why. */
export const EngineName = z.enum(['llama', 'vllm', 'fake'])
export type EngineName = z.infer<typeof EngineName>

/** A model one can pull. `id` is its name everywhere: API, command line, console. */
export const CatalogueEntry = z.object({
  id: z.string().regex(/^[a-z0-9][a-z0-9._:-]*$/),
  aliases: z.array(z.string()).default([]),
  name: z.string(),
  description: z.string(),
  kind: ModelKind,
  uses: z.array(ModelUse).optional(),
  engine: EngineName,
  /** SPDX id, or `LicenseRef-…` for one that SPDX does not know. */
  licence: z.string(),
  licenceUrl: z.string().optional(),
  parameters: z.int().positive().optional(),
  /** Tokens the model was trained for. */
  contextWindow: z.int().positive(),
  dimensions: z.int().positive().optional(),
  /** What its sources call this version: a commit, so that a branch that moves changes nothing here. */
  revision: z.string().optional(),
  /** What is peculiar about its chat template, in words. */
  template: z.string().optional(),
  /** Where each fact was taken from: the field's name (`licence`, `parameters`, `files`, …) → an address, or a file that was hashed or read. */
  factsFrom: z.record(z.string(), z.string()).optional(),
  /** In manifests of what a user asked for by its place: `hf:org/repo:Q4_K_M`, `https://…/model.gguf`. */
  reference: z.string().optional(),
  files: z.array(ModelFile)
})
export type CatalogueEntry = z.infer<typeof CatalogueEntry>

/** An entry all of whose bytes are known. */
export const PinnedEntry = CatalogueEntry.extend({ files: z.array(PinnedFile) })
export type PinnedEntry = z.infer<typeof PinnedEntry>

export const Catalogue = z.object({
  defaults: z.object({ chat: z.string(), embedding: z.string() }),
  models: z.array(CatalogueEntry)
})
export type Catalogue = z.infer<typeof Catalogue>

/** A model whose files are on this machine. Paths are absolute. */
export type LocalModel = {
  entry: PinnedEntry
  files: { name: string; path: string; size: number; sha256: string }[]
}

/**
 * `absent`: known, not here. `present`: weights here, not loaded; a request loads it. `failed`: gave up loading; `unsupported`: weights here, but this
 * version has nothing that loads them; `reason` says why.
 */
export const ModelState = z.enum(['absent', 'pulling', 'present', 'loading', 'ready', 'failed', 'unsupported'])
export type ModelState = z.infer<typeof ModelState>

/**
 * Who vouches for its bytes. `catalogue`: it names every sha256. `first-use`: what came at the first pull was pinned. `unverified`: nobody yet, the first
 * pull will pin it. `owner`: a file of the user's, used where it lies.
 */
export const ModelTrust = z.enum(['catalogue', 'first-use', 'unverified', 'owner'])
export type ModelTrust = z.infer<typeof ModelTrust>

/** A model as the server sees it now. */
export const ModelStatus = z.object({
  id: z.string(),
  aliases: z.array(z.string()),
  name: z.string(),
  kind: ModelKind,
  engine: z.string(),
  licence: z.string(),
  uses: z.array(ModelUse),
  trust: ModelTrust,
  state: ModelState,
  /** Of the pull or the load, while there is one. */
  percent: z.int().min(0).max(100).nullable(),
  reason: z.string().nullable(),
  /** Never unloaded to make room. */
  pinned: z.boolean(),
  /** Bytes on disk, or to download; 0 when nobody has said how many. */
  size: z.int(),
  contextWindow: z.int(),
  slots: z.int().nullable(),
  dimensions: z.int().nullable(),
  /** Unix milliseconds: when its weights came here. */
  createdAt: z.int()
})
export type ModelStatus = z.infer<typeof ModelStatus>
