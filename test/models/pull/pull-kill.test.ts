import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openPullJournal } from '../../../server/models/pull/pull-journal.ts'
import { usualLimits } from '../../../server/models/pull/pull-limits.ts'
import { createRandom } from '../../helpers/random.ts'
import { assertSameBytes, entryOf, fileOf, settings, sha256Of, someBytes, temporaryFolder } from '../fixtures.ts'
import { startPuller } from '../puller.ts'
import { rangeOf, sendPart, startWebServer } from '../web-server.ts'

const MiB = 1024 * 1024

test('a pull killed with -9 at twenty random moments ends with the same bytes, and a kill costs no more than one part', async (t) => {
  using folder = temporaryFolder()
  const bytes = someBytes(48 * MiB)
  const limits = { connections: 4, partBytes: 4 * MiB }
  let asked = 0
  await using server = await startWebServer((request, response) => {
    const { from, to } = rangeOf(request, bytes.length) ?? { from: 0, to: bytes.length }
    asked += to - from
    sendPart(request, response, bytes, { etag: '"v1"' })
  })
  const entry = entryOf([fileOf(bytes)])
  const sources = settings({ mirrors: [`${server.url}/files`] })
  const seed = Date.now()
  t.diagnostic(`seed ${seed}`)
  const random = createRandom(seed)
  const moments = Array.from({ length: 20 }, () => Math.floor(random() * 0.98 * bytes.length)).sort((a, b) => a - b)
  const partial = join(folder.path, 'blobs', `sha256-${sha256Of(bytes)}.partial`)
  let kills = 0
  for (const moment of moments) {
    const puller = startPuller(folder.path, entry, sources, { limits, rate: 60 * MiB })
    await Promise.race([puller.until(moment), puller.ended])
    puller.child.kill('SIGKILL')
    await once(puller.child, 'exit')
    kills++
    if (!readdirSync(join(folder.path, 'blobs')).some((name) => name.endsWith('.partial'))) break
    const journal = openPullJournal(`${partial}.journal`, bytes.length, bytes.length)
    journal.close()
    assert.ok(journal.total() >= puller.received(), `${puller.received()} bytes were here, the journal knows of ${journal.total()}`)
  }
  const last = startPuller(folder.path, entry, sources, { limits })
  assertSameBytes(readFileSync(await last.ended), bytes)
  assert.deepEqual(readdirSync(join(folder.path, 'blobs')), [`sha256-${sha256Of(bytes)}`])
  assert.ok(asked <= bytes.length + kills * usualLimits.partBytes, `${asked} bytes asked for in ${kills + 1} tries`)
})
