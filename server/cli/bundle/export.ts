import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { LocalModel } from '#contracts/model.ts'
import { loadConfig } from '../../config.ts'
import { exportBundle } from '../../models/bundle/export-bundle.ts'
import { findLicenceText } from '../../models/bundle/licence-text.ts'
import { isOpenToOthers, loadSigner } from '../../models/bundle/signing.ts'
import { createProgressWriter } from '../../models/pull/progress.ts'
import { weightsNotHere } from '../../models/store/store.ts'
import { version } from '../../version.ts'
import { runUntilInterrupted } from '../interrupt.ts'
import { type LocalModels, openLocalModels } from '../local-models.ts'
import { harmless, inBytes, progressStream, say, sayJson, tell } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import { ownHome } from './own-home.ts'
import { parseSize } from './size.ts'

/** Needs no server: what is here lies on the disk. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: { sign: { type: 'string' }, split: { type: 'string' }, json: { type: 'boolean', default: false } },
    allowPositionals: true
  })
  const target = positionals.at(-1)
  const names = positionals.slice(0, -1)
  if (target === undefined || target === '' || names.length === 0) throw new UsageError('bundle export wants one or more MODEL and then DIR or FILE')
  const partSize = values.split === undefined ? undefined : parseSize('split', values.split)
  const config = loadConfig()
  ownHome(config)
  const signer = values.sign === undefined ? undefined : loadSigner(values.sign)
  if (values.sign !== undefined && isOpenToOthers(values.sign)) tell(`${values.sign} can be read by others on this machine: chmod 600 ${values.sign}`)
  const local = openLocalModels(config)
  const models = [...new Map(names.map((name) => modelOf(name, local)).map((model) => [model.entry.id, model])).values()]

  const progress = createProgressWriter(progressStream(values.json))
  return await runUntilInterrupted(async (signal) => {
    const { paths, bytes, manifest } = await exportBundle({
      models,
      path: pathFor(target, models),
      signer,
      partSize,
      creator: `Outpost ${version}`,
      licenceText: (id) => findLicenceText(local.store.folder, id),
      signal,
      onProgress: ({ file, received, total }) => progress.update(harmless(file), received, total)
    }).finally(() => progress.end())
    if (values.json) sayJson({ files: paths, bytes, signer: manifest.signer, models: manifest.models.map(({ id }) => id) })
    else {
      say(
        `${models.map(({ entry }) => entry.id).join(', ')}: ${inBytes(bytes)} in ${paths.length === 1 ? paths[0] : `${paths.length} parts, ${paths[0]} to ${paths.at(-1)}`}`
      )
      say(
        manifest.signer === null
          ? 'It is not signed: who imports it must say --allow-unsigned. outpost bundle keygen makes a key, --sign uses it.'
          : `Signed by ${manifest.signer}. Tell this fingerprint to who imports it, by another way than the bundle.`
      )
    }
    return 0
  })
}

function modelOf(name: string, { known, store }: LocalModels): LocalModel {
  const model = store.find(name)
  if (model !== undefined) return model
  const { id } = known.resolve(name)
  throw weightsNotHere(id)
}

/** In a folder it gets a name from what is in it. */
function pathFor(target: string, models: readonly LocalModel[]): string {
  const isFolder = /[/\\]$/.test(target) || statSync(target, { throwIfNoEntry: false })?.isDirectory() === true
  if (!isFolder) return resolve(target)
  const [first] = models
  const more = models.length > 1 ? `-and-${models.length - 1}-more` : ''
  // A colon is no letter for a file on FAT32.
  return resolve(join(target, `${first?.entry.id.replaceAll(':', '-')}${more}.outpost`))
}
