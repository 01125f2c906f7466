import { parseArgs } from 'node:util'
import type { BundleManifest } from '#contracts/bundle.ts'
import { loadConfig } from '../../config.ts'
import { describeBundle } from '../../models/bundle/describe-bundle.ts'
import { type Bundle, openBundle } from '../../models/bundle/open-bundle.ts'
import { signersOfHome } from '../../models/bundle/trusted-signers.ts'
import { createProgressWriter } from '../../models/pull/progress.ts'
import { oneArgument } from '../arguments.ts'
import { runUntilInterrupted } from '../interrupt.ts'
import { harmless, inBytes, progressStream, say, sayJson, table } from '../terminal.ts'

/** What a bundle holds and who signed it. Writes nothing, and needs neither a server nor a home folder. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: { deep: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
    allowPositionals: true
  })
  const path = oneArgument(positionals, 'FILE or DIR')
  const config = loadConfig()
  return await runUntilInterrupted(async (signal) => {
    await using bundle = await openBundle(path)
    const description = describeBundle(bundle, signersOfHome(config.home))
    const { manifest, parts, bytes, trusted } = description
    if (values.deep) await readAll(bundle, signal, values.json)
    if (values.json) {
      sayJson({ ...description, checked: values.deep ? 'every byte' : 'signature and structure' })
      return 0
    }
    say(describe(manifest))
    const whom =
      trusted === null
        ? 'not trusted here'
        : `trusted here: ${harmless(trusted.name ?? 'without a name')}, added ${trusted.addedAt.slice(0, 10)} by ${harmless(trusted.addedBy)}`
    say(manifest.signer === null ? 'Not signed.' : `Signed by ${manifest.signer} (${whom}).`)
    say(
      `${inBytes(bytes)} in ${parts.length === 1 ? 'one file' : `${parts.length} parts`}. ${values.deep ? 'Every byte is as it was signed.' : 'Signature and structure are right; --deep reads every byte.'}`
    )
    return 0
  })
}

async function readAll(bundle: Bundle, signal: AbortSignal, json: boolean): Promise<void> {
  const progress = createProgressWriter(progressStream(json))
  try {
    for (const file of bundle.manifest.files) {
      for await (const { start, chunk } of bundle.chunks(file, signal)) progress.update(harmless(file.name), start + chunk.length, file.size)
    }
  } finally {
    progress.end()
  }
}

function describe({ models, files, licences, creator, created }: BundleManifest): string {
  const rows = models.map((model) => [
    harmless(model.id),
    model.kind,
    inBytes(model.files.reduce((sum, { size }) => sum + size, 0)),
    String(model.contextWindow),
    harmless(model.licence)
  ])
  const listed = files.map(({ kind, name, size, sha256 }) => [kind, name, inBytes(size), sha256])
  const links = licences.map(
    ({ id, url, file }) =>
      `${harmless(id)}: ${[file === undefined ? 'no text' : `text in ${file}`, ...(url === undefined ? [] : [harmless(url)])].join(', ')}`
  )
  return [
    `Made by ${harmless(creator)} on ${created.slice(0, 16).replace('T', ' ')}.`,
    table(['MODEL', 'KIND', 'SIZE', 'CONTEXT', 'LICENCE'], rows),
    '',
    table(['FILE', 'NAME', 'SIZE', 'SHA256'], listed),
    '',
    ...links
  ].join('\n')
}
