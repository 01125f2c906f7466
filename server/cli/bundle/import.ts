import { userInfo } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Imported, importBundle } from '../../models/bundle/import-bundle.ts'
import { signersOfHome } from '../../models/bundle/trusted-signers.ts'
import { enforceImport } from '../../models/policy.ts'
import { createProgressWriter } from '../../models/pull/progress.ts'
import { oneArgument } from '../arguments.ts'
import { runUntilInterrupted } from '../interrupt.ts'
import { openLocalModels } from '../local-models.ts'
import { harmless, inBytes, progressStream, say, sayJson } from '../terminal.ts'
import { ownHome } from './own-home.ts'
import { fingerprintOption } from './signers.ts'

/** In this process, with or without a running server, which sees the models at its next look. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: {
      'allow-unsigned': { type: 'boolean', default: false },
      trust: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false }
    },
    allowPositionals: true
  })
  const path = oneArgument(positionals, 'FILE or DIR')
  const trust = values.trust.map((text) => fingerprintOption('--trust', text))
  const config = ownHome()
  const { store, policy, log } = openLocalModels(config)
  const progress = createProgressWriter(progressStream(values.json))
  return await runUntilInterrupted(async (signal) => {
    const imported = await importBundle({
      path,
      store,
      signers: signersOfHome(config.home),
      trust,
      allowUnsigned: values['allow-unsigned'],
      allow: (entry, signer) => enforceImport(policy, entry, signer),
      by: `${userInfo().username}, by bundle import --trust`,
      signal,
      onProgress: ({ file, received, total }) => progress.update(harmless(file), received, total),
      log
    }).finally(() => progress.end())
    if (values.json) sayJson({ ...imported, models: imported.models.map(({ entry }) => entry.id) })
    else say(describe(imported, join(config.home, 'models')))
    return 0
  })
}

function describe({ models, signer, isNewSigner, copied, present }: Imported, folder: string): string {
  const from = signer === null ? 'of an unsigned bundle' : `signed by ${signer}${isNewSigner ? ', who is trusted from now on' : ''}`
  return [
    ...models.map(({ entry }) => `${entry.id} is here.`),
    `${inBytes(copied)} copied to ${folder}, ${inBytes(present)} were here before; ${from}.`
  ].join('\n')
}
