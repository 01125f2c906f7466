import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../../helpers/folder.ts'
import { createRandom } from '../../helpers/random.ts'
import { assertSameBytes, sha256Of, someBytes } from '../fixtures.ts'
import { chunkSize, exportFrom, homeWith, newHome } from './fixtures.ts'

type Step = { file: string; received: number; copied: number }

const script = fileURLToPath(new URL('./import-process.ts', import.meta.url))

test('an import killed with -9 at 20 moments loses at most a chunk each time, shows nothing that is not whole, and ends with the same bytes', async (t) => {
  const folder = temporaryFolder(t)
  const contents = { one: someBytes(100 * chunkSize + 1), two: someBytes(60 * chunkSize), three: someBytes(140 * chunkSize + 4000) }
  const path = join(folder, 'm.outpost')
  await exportFrom(homeWith(join(folder, 'a'), contents), path, { partSize: 1_000_000 })
  const home = newHome(join(folder, 'b'))
  const blobs = join(home.store.folder, 'blobs')
  const random = createRandom(20)
  const reached = new Map<string, number>()

  const run = (...args: string[]) => {
    const child = spawnSync(process.execPath, [script, home.folder, `${path}.001`, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      encoding: 'utf8'
    })
    const said = child.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Step | 'ended')
    const steps = said.filter((step) => step !== 'ended')
    // Where each file was gone on from: the last word before something was copied.
    for (const [file, known] of reached) {
      const kept = steps.findLast((step) => step.file === file && step.copied === 0)
      if (kept !== undefined) assert.ok(known - kept.received <= chunkSize, `${file} was at ${known}, and went on from ${kept.received}`)
    }
    for (const { file, received } of steps) reached.set(file, received)
    return { child, hasEnded: said.at(-1) === 'ended', copied: copiedIn(steps) }
  }

  let copied = 0
  for (let i = 0; i < 20; i++) {
    const result = run(String(Math.floor(random() * 12 * chunkSize)), String(i % 3))
    assert.equal(result.child.signal, 'SIGKILL', `kill ${i + 1}`)
    copied += result.copied
    for (const name of existsSync(blobs) ? readdirSync(blobs) : []) {
      if (/^sha256-[0-9a-f]{64}$/.test(name)) assert.equal(name, `sha256-${sha256Of(readFileSync(join(blobs, name)))}`)
    }
    for (const { files } of home.store.list()) {
      for (const file of files) assert.equal(sha256Of(readFileSync(file.path)), file.sha256, 'a model that is seen is whole')
    }
  }
  const last = run()
  assert.deepEqual([last.child.status, last.hasEnded], [0, true])
  const total = Object.values(contents).reduce((sum, bytes) => sum + bytes.length, 'The text of MIT.'.length)
  assert.ok(copied + last.copied <= total + 20 * chunkSize, `${copied + last.copied} bytes were copied for ${total}`)
  for (const [id, bytes] of Object.entries(contents)) assertSameBytes(readFileSync(home.store.find(id)?.files[0]?.path ?? ''), bytes)
  assert.deepEqual(
    readdirSync(blobs).sort(),
    Object.values(contents)
      .map((bytes) => `sha256-${sha256Of(bytes)}`)
      .sort()
  )
})

/** Bytes of all files that were copied in one run. */
function copiedIn(steps: readonly Step[]): number {
  const last = new Map(steps.map(({ file, copied }) => [file, copied]))
  return [...last.values()].reduce((sum, copied) => sum + copied, 0)
}
