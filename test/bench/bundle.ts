import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PinnedEntry } from '#contracts/model.ts'
import { createLog } from '../../server/log.ts'
import { exportBundle } from '../../server/models/bundle/export-bundle.ts'
import { importBundle } from '../../server/models/bundle/import-bundle.ts'
import { measureFile } from '../../server/models/bundle/measure-file.ts'
import { openTrustedSigners } from '../../server/models/bundle/trusted-signers.ts'
import { createModelStore, type ModelStore } from '../../server/models/store/store.ts'
import { table } from './overhead.ts'
import { median } from './processes.ts'
import type { Section } from './report.ts'

const megabytes = 500
const rounds = 5

/** Import of a bundle against `cp` and `sha256sum` of the same bytes, in turns. */
export async function measureBundle(): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'outpost-bench-bundle-'))
  const times: Record<string, number[]> = {}
  const time = async (name: string, work: () => unknown) => {
    // A virtual machine gets memory from its host page by page, and gives back what it does not use: whoever comes first would pay for all.
    run('cp', join(folder, 'weights.bin'), join(folder, 'warm.bin'))
    rmSync(join(folder, 'warm.bin'))
    const startedAt = performance.now()
    await work()
    const values = times[name] ?? []
    times[name] = values
    values.push(performance.now() - startedAt)
  }
  try {
    const weights = join(folder, 'weights.bin')
    writeRandom(weights)
    const { size, sha256 } = await measureFile(weights, new AbortController().signal)
    const model = { entry: entryOf(size, sha256), files: [{ name: 'weights.bin', path: weights, size, sha256 }] }
    const path = join(folder, 'bundle.outpost')
    for (let i = 0; i < rounds; i++) {
      rmSync(path, { force: true })
      await time('export', () => exportBundle({ models: [model], path, creator: 'bench', licenceText: () => undefined }))
      const copy = join(folder, 'copy.bin')
      await time('cp + sha256sum', () => {
        run('cp', weights, copy)
        run('sha256sum', copy)
      })
      rmSync(copy)
      await time('cp + openssl', () => {
        run('cp', weights, copy)
        run('openssl', 'dgst', '-sha256', copy)
      })
      rmSync(copy)
      const home = join(folder, 'home')
      const store = storeIn(home)
      const order = { path, store, signers: openTrustedSigners(join(home, 'signers.json')), allowUnsigned: true, by: 'bench', log }
      await time('import', () => importBundle(order))
      rmSync(home, { recursive: true })
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const of = (name: string) => median(times[name] ?? [])
  const row = (name: string) => [
    name,
    `${of(name).toFixed(0)} ms`,
    `${((megabytes * 1000) / of(name)).toFixed(0)} MB/s`,
    `${((of('cp + sha256sum') / of(name)) * 100).toFixed(0)} %`
  ]
  return {
    title: 'Bundle',
    text: [
      `${megabytes} MB of random bytes, ${rounds} rounds, in turns; medians. An import checks every chunk and the sha256 of the file, and has it on the disk (fsync) when it ends; \`cp\` has not.`,
      table(['', 'time', 'rate', 'of cp + sha256sum'], ['cp + sha256sum', 'cp + openssl', 'import', 'export'].map(row)),
      '`cp + openssl` is the same with `openssl dgst -sha256`, which uses the processor’s own SHA instructions where this `sha256sum` may not.'
    ]
  }
}

const log = createLog({ level: 'silent' })

function storeIn(home: string): ModelStore {
  return createModelStore({ folder: join(home, 'models'), catalogue: { defaults: { chat: 'bench', embedding: 'bench' }, models: [] }, log })
}

function entryOf(size: number, sha256: string): PinnedEntry {
  return {
    id: 'bench',
    aliases: [],
    name: 'bench',
    description: '',
    kind: 'chat',
    engine: 'llama',
    licence: 'MIT',
    contextWindow: 128,
    files: [{ name: 'weights.bin', size, sha256, sources: [] }]
  }
}

function writeRandom(path: string): void {
  mkdirSync(join(path, '..'), { recursive: true })
  const fd = openSync(path, 'w')
  for (let i = 0; i < megabytes; i++) writeSync(fd, randomBytes(1_000_000))
  closeSync(fd)
}

function run(command: string, ...args: string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: 'ignore' })
  if (status !== 0) throw new Error(`${command} failed`, { cause: error })
}
