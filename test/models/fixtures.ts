import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Catalogue, CatalogueEntry, ModelFile, PinnedFile } from '#contracts/model.ts'
import { createLog } from '../../server/log.ts'
import type { SourceSettings } from '../../server/models/sources/choose.ts'

export const silent = createLog({ level: 'silent' })

/** A folder that is gone at the end of its block. */
export function temporaryFolder(): { path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'outpost-models-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

export const someBytes = (size = 300_000) => randomBytes(size)

export function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Not `deepEqual`: describing how two large buffers differ takes node gigabytes and minutes. */
export function assertSameBytes(actual: Buffer, expected: Buffer): void {
  assert.equal(actual.length, expected.length)
  assert.equal(sha256Of(actual), sha256Of(expected))
}

export function fileOf(bytes: Buffer, sources: string[] = [], name = 'weights.bin'): PinnedFile {
  return { name, size: bytes.length, sha256: sha256Of(bytes), sources }
}

export function entryOf<File extends ModelFile>(files: File[], id = 'some-model'): Omit<CatalogueEntry, 'files'> & { files: File[] } {
  return { id, aliases: [`${id}-alias`], name: id, description: '', kind: 'chat', engine: 'llama', licence: 'MIT', contextWindow: 128, files }
}

export function catalogueOf(...models: CatalogueEntry[]): Catalogue {
  return { defaults: { chat: 'some-model', embedding: 'some-model' }, models }
}

/** Port 9 of this machine: nobody there. */
export function settings(change: Partial<SourceSettings> = {}): SourceSettings {
  return { mirrors: [], airGap: false, huggingFace: { endpoint: 'http://127.0.0.1:9', token: undefined }, ...change }
}
