import { createHash } from 'node:crypto'
import type { BundleFile, BundleLicence } from '#contracts/bundle.ts'
import type { LocalModel, PinnedEntry } from '#contracts/model.ts'
import { toBundledModel } from './bundled-model.ts'
import { measureFile } from './measure-file.ts'

/** A text to carry along; `name` ends with `.txt`. */
export type LicenceText = { name: string; text: string }
/** A file of Outpost itself to carry along. */
export type AppFile = { name: string; path: string }

/** A file of the bundle, and where its bytes come from. Its root is not known before they are read. */
export type BundleSource = { file: BundleFile } & ({ path: string } | { text: string })

export type Contents = { models: PinnedEntry[]; licences: BundleLicence[]; sources: BundleSource[] }

/** What goes into a bundle, in its order: small things first, each file once. */
export async function gather(
  options: { models: readonly LocalModel[]; licenceText: (spdxId: string) => LicenceText | undefined; app?: readonly AppFile[] },
  signal: AbortSignal
): Promise<Contents> {
  const models: PinnedEntry[] = []
  const weights = new Map<string, BundleSource>()
  for (const model of options.models) {
    const { entry, files } = await toBundledModel(model, signal)
    models.push(entry)
    for (const { name, size, sha256, path } of files) weights.set(sha256, { path, file: { kind: 'weights', name, size, sha256, root: unknown } })
  }
  const licences = new Map<string, BundleLicence>()
  const texts = new Map<string, BundleSource>()
  for (const { licence: id, licenceUrl: url } of models) {
    const found = options.licenceText(id)
    // Not every disk tells upper from lower case.
    const key = found?.name.toLowerCase() ?? ''
    if (found !== undefined && !texts.has(key))
      texts.set(key, { text: found.text, file: { kind: 'licence', name: found.name, ...measure(found.text) } })
    const file = texts.get(key)?.file.name
    licences.set(`${id}\n${url}`, { id, ...(url === undefined ? {} : { url }), ...(file === undefined ? {} : { file }) })
  }
  const app: BundleSource[] = []
  for (const { name, path } of options.app ?? []) app.push({ path, file: { kind: 'app', name, ...(await measureFile(path, signal)), root: unknown } })
  return { models, licences: [...licences.values()], sources: [...texts.values(), ...app, ...weights.values()] }
}

/** As long as a real hash, which is put in later. */
export const unknown = '0'.repeat(64)

function measure(text: string): { size: number; sha256: string; root: string } {
  const bytes = Buffer.from(text)
  return { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), root: unknown }
}
