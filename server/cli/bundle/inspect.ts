import { parseArgs } from 'node:util'
import type { BundleManifest } from '#contracts/bundle.ts'
import { loadConfig } from '../../config.ts'
import { type Bundle, openBundle } from '../../models/bundle/open-bundle.ts'
import { createProgressWriter } from '../../models/pull/progress.ts'
import { oneArgument } from '../arguments.ts'
import { runUntilInterrupted } from '../interrupt.ts'
import { harmless, inBytes, say, sayJson, table } from '../terminal.ts'
import { openSigners } from './signers.ts'

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
    const { manifest, parts } = bundle
    const trusted =
      openSigners(config)
        .list()
        .find(({ fingerprint }) => fingerprint === manifest.signer) ?? null
    if (values.deep) await readAll(bundle, signal, values.json)
    if (values.json) {
      const files = parts.names.map((name, i) => ({ name, size: parts.sizes[i] }))
      sayJson({ manifest, parts: files, bytes: parts.length, trusted, checked: values.deep ? 'every byte' : 'signature and structure' })
      return 0
    }
    say(describe(manifest))
    const whom =
      trusted === null
        ? 'not trusted here'
        : `trusted here: ${harmless(trusted.name ?? 'without a name')}, added ${trusted.addedAt.slice(0, 10)} by ${harmless(trusted.addedBy)}`
    say(manifest.signer === null ? 'Not signed.' : `Signed by ${manifest.signer} (${whom}).`)
    say(
      `${inBytes(parts.length)} in ${parts.names.length === 1 ? 'one file' : `${parts.names.length} parts`}. ${values.deep ? 'Every byte is as it was signed.' : 'Signature and structure are right; --deep reads every byte.'}`
    )
    return 0
  })
}

async function readAll(bundle: Bundle, signal: AbortSignal, json: boolean): Promise<void> {
  const progress = createProgressWriter(json || process.stderr.isTTY ? process.stderr : process.stdout)
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
