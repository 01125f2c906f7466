import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../helpers/folder.ts'
import { freePort } from '../helpers/free-port.ts'
import { problemOf } from '../helpers/problem.ts'
import { until } from '../helpers/processes.ts'
import { fakeCatalogue, startTestServer, writeCatalogue } from '../helpers/server.ts'
import { entryOf, fileOf, sha256Of } from '../models/fixtures.ts'

const key = 'an-administrators-key'
const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
/** The fake engine's settings, padded so that they come in parts. */
const weights = (id: string) => Buffer.from(JSON.stringify({ slots: 2, id: randomBytes(8).toString('hex') + id }).padEnd(3_000_000))

type Pull = { model: string; state: string; error: { message: string } | null; failures: { source: string; reason: string }[] }

test('two machines that are each other’s mirror give what they have, and neither waits for what none has', async (t) => {
  const [onA, onB, nowhere] = [weights('a'), weights('b'), weights('c')]
  const entries = [
    { ...entryOf([fileOf(onA, [], 'a.bin')], 'on-a'), engine: 'fake' },
    { ...entryOf([fileOf(onB, [], 'b.bin')], 'on-b'), engine: 'fake' },
    { ...entryOf([fileOf(nowhere, [], 'c.bin')], 'nowhere'), engine: 'fake' }
  ]
  const catalogue = { ...fakeCatalogue, models: [...fakeCatalogue.models, ...entries] }
  const [portA, portB] = [await freePort(), await freePort()]
  const start = async (port: number, other: number, has: { bytes: Buffer; entry: object }) => {
    const home = temporaryFolder(t)
    writeCatalogue(home, catalogue)
    mkdirSync(join(home, 'models', 'blobs'), { recursive: true })
    mkdirSync(join(home, 'models', 'manifests'))
    writeFileSync(join(home, 'models', 'blobs', `sha256-${sha256Of(has.bytes)}`), has.bytes)
    const { id } = has.entry as { id: string }
    writeFileSync(join(home, 'models', 'manifests', `${id}.json`), JSON.stringify({ entry: has.entry }))
    const env = { OUTPOST_ADMIN_KEY: key, OUTPOST_MIRRORS: `http://outpost:${key}@127.0.0.1:${other}` }
    return await startTestServer(t, { home, catalogue, env, args: ['--port', String(port)] })
  }
  const [a, b] = await Promise.all([
    start(portA, portB, { bytes: onA, entry: entries[0] as object }),
    start(portB, portA, { bytes: onB, entry: entries[1] as object })
  ])

  const order = (url: string, model: string) => fetch(`${url}/outpost/pulls`, { method: 'POST', headers, body: JSON.stringify({ model }) })
  const pullOf = async (url: string, model: string) => {
    const { pulls } = (await (await fetch(`${url}/outpost/pulls`, { headers })).json()) as { pulls: Pull[] }
    return pulls.find((pull) => pull.model === model)
  }
  // All at once, in both directions.
  const [bOnA, aOnB] = await Promise.all([order(a.url, 'on-b'), order(b.url, 'on-a'), order(a.url, 'nowhere'), order(b.url, 'nowhere')])
  assert.deepEqual([bOnA.status, aOnB.status], [202, 202])
  await until(async () => (await pullOf(a.url, 'on-b'))?.state === 'done' && (await pullOf(b.url, 'on-a'))?.state === 'done', 'both have both')
  assert.equal(sha256Of(readFileSync(join(a.home, 'models', 'blobs', `sha256-${sha256Of(onB)}`))), sha256Of(onB))
  for (const server of [a, b]) {
    await until(async () => (await pullOf(server.url, 'nowhere'))?.state === 'failed', 'what none has is known not to be there')
    const failed = await pullOf(server.url, 'nowhere')
    assert.match(failed?.failures[0]?.reason ?? '', /answered 404/)
    assert.doesNotMatch(JSON.stringify(failed), new RegExp(key))
  }

  // The route itself: keys only, parts, and nothing by guessing.
  const address = `${a.url}/outpost/blobs/${sha256Of(onA)}`
  assert.equal((await problemOf(await fetch(address))).code, 'forbidden')
  const whole = await fetch(address, { headers })
  assert.equal(
    createHash('sha256')
      .update(Buffer.from(await whole.arrayBuffer()))
      .digest('hex'),
    sha256Of(onA)
  )
  const part = await fetch(address, { headers: { ...headers, range: 'bytes=10-19', 'if-range': `"${sha256Of(onA)}"` } })
  assert.deepEqual([part.status, part.headers.get('content-range')], [206, `bytes 10-19/${onA.length}`])
  assert.deepEqual(Buffer.from(await part.arrayBuffer()), onA.subarray(10, 20))
  assert.equal((await fetch(address, { headers: { ...headers, range: 'bytes=10-19', 'if-range': '"other"' } })).status, 200)
  assert.deepEqual(Buffer.from(await (await fetch(address, { headers: { ...headers, range: 'bytes=-5' } })).arrayBuffer()), onA.subarray(-5))
  const outside = await problemOf(await fetch(address, { headers: { ...headers, range: `bytes=${onA.length}-` } }))
  assert.deepEqual([outside.status, outside.code], [416, 'range_not_satisfiable'])
  const head = await fetch(address, { method: 'HEAD', headers })
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, String(onA.length)])
  assert.equal((await problemOf(await fetch(`${a.url}/outpost/blobs/${'0'.repeat(64)}`, { headers }))).code, 'not_found')
  assert.equal((await fetch(`${a.url}/outpost/blobs/..%2F..%2Fsecret`, { headers })).status, 400)
})
