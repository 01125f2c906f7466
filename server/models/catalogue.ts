import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Catalogue, type CatalogueEntry } from '#contracts/model.ts'
import { AppError } from '../errors.ts'

const packagedFile = fileURLToPath(new URL('../../models/catalogue.json', import.meta.url))

/**
 * The curated catalogue that comes with Outpost and, over it, the user's own (`OUTPOST_HOME/models/catalogue.json`, which need not
 * exist). An entry of the user's with the same id replaces ours, and its `defaults`, where given, win.
 * Throws `AppError('invalid_request')` naming the file, the place in it and what is wrong there.
 */
export function loadCatalogue(options: { extraFile?: string; packagedFile?: string } = {}): Catalogue {
  const packaged = Catalogue.safeParse(readJson(options.packagedFile ?? packagedFile))
  if (!packaged.success) throw broken(options.packagedFile ?? packagedFile, packaged.error)
  checkDefaults(packaged.data, options.packagedFile ?? packagedFile)
  if (options.extraFile === undefined) return packaged.data
  const own = readJson(options.extraFile, { mayBeMissing: true })
  if (own === undefined) return packaged.data
  const extra = OwnCatalogue.safeParse(own)
  if (!extra.success) throw broken(options.extraFile, extra.error)
  const merged: Catalogue = {
    defaults: { ...packaged.data.defaults, ...present(extra.data.defaults) },
    models: [...extra.data.models, ...packaged.data.models.filter((entry) => !extra.data.models.some((own) => own.id === entry.id))]
  }
  checkNames(merged, options.extraFile)
  checkDefaults(merged, options.extraFile)
  return merged
}

/** By id, else by alias; upper and lower case are the same. */
export function findEntry(catalogue: Catalogue, nameOrAlias: string): CatalogueEntry | undefined {
  const wanted = nameOrAlias.toLowerCase()
  return (
    catalogue.models.find((entry) => entry.id === wanted) ??
    catalogue.models.find((entry) => entry.aliases.some((alias) => alias.toLowerCase() === wanted))
  )
}

/** At most three of `known` that `wanted` may have meant: those that contain it (or are contained), then by edit distance, the nearest first. */
export function nearNames(wanted: string, known: Iterable<string>): string[] {
  const name = wanted.toLowerCase().slice(0, 256)
  const scored = [...new Set(known)].map((candidate) => {
    const other = candidate.toLowerCase()
    const contained = name.length >= 3 && other.length >= 3 && (other.includes(name) || name.includes(other))
    const distance = editDistance(name, other)
    return { candidate, contained, distance, near: contained || distance <= Math.max(2, Math.floor(other.length / 3)) }
  })
  return scored
    .filter((score) => score.near)
    .sort((a, b) => Number(b.contained) - Number(a.contained) || a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, 3)
    .map((score) => score.candidate)
}

const OwnCatalogue = Catalogue.extend({ defaults: Catalogue.shape.defaults.partial().default({}) })

function present(defaults: { chat?: string | undefined; embedding?: string | undefined }): Partial<Catalogue['defaults']> {
  return {
    ...(defaults.chat === undefined ? {} : { chat: defaults.chat }),
    ...(defaults.embedding === undefined ? {} : { embedding: defaults.embedding })
  }
}

function readJson(file: string, options: { mayBeMissing?: boolean } = {}): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if (options.mayBeMissing === true && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new AppError('invalid_request', `The catalogue ${file} cannot be read: ${(error as Error).message}. Correct the file or remove it.`, {
      cause: error
    })
  }
}

function broken(file: string, error: { issues: { path: PropertyKey[]; message: string }[] }): AppError {
  const issue = error.issues[0]
  const place = issue === undefined || issue.path.length === 0 ? 'the top level' : issue.path.map(String).join('.')
  return new AppError(
    'invalid_request',
    `The catalogue ${file} is broken at ${place}: ${issue?.message ?? 'unusable'}. Correct the file or remove it.`
  )
}

function checkNames(catalogue: Catalogue, file: string): void {
  const seen = new Set<string>()
  for (const { id } of catalogue.models) {
    if (seen.has(id)) throw new AppError('invalid_request', `The catalogue ${file} has the model ${id} twice. Remove one of them.`)
    seen.add(id)
  }
  for (const id of [catalogue.defaults.chat, catalogue.defaults.embedding]) {
    if (seen.has(id)) continue
    throw new AppError('invalid_request', `The catalogue ${file} names the default ${id}, but has no such model; it has ${[...seen].join(', ')}.`)
  }
}

/** What is pulled without being asked for is vouched for. */
function checkDefaults(catalogue: Catalogue, file: string): void {
  for (const id of [catalogue.defaults.chat, catalogue.defaults.embedding]) {
    const unknown = findEntry(catalogue, id)?.files.find(({ sha256, size }) => sha256 === undefined || size === undefined)
    if (unknown === undefined) continue
    throw new AppError(
      'invalid_request',
      `The catalogue ${file} has the default ${id}, whose ${unknown.name} has no sha256 or no size: a default must have both. Add them, or choose another default.`
    )
  }
}

/** Levenshtein distance, in O(a × b) time and one row of memory. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
