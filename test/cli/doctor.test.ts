import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import test from 'node:test'
import { checkHome } from '../../server/cli/doctor/home.ts'
import { checkPort } from '../../server/cli/doctor/port.ts'
import { checkRedisHere } from '../../server/cli/doctor/redis.ts'
import { checkWeights } from '../../server/cli/doctor/weights.ts'
import { openLocalModels } from '../../server/cli/local-models.ts'
import { loadConfig } from '../../server/config.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { onEnd } from '../helpers/on-end.ts'
import { testRedis } from '../helpers/queue.ts'
import { writeCatalogue } from '../helpers/server.ts'
import { entryOf, fileOf, someBytes } from '../models/fixtures.ts'
import { outpost } from './outpost.ts'

test('a machine that lacks nothing is told so, line by line, without a server', async (t) => {
  const { code, stdout } = await outpost(t, ['doctor'], { home: temporaryFolder(t), env: { OUTPOST_PORT: '0' } })
  assert.equal(code, 0, stdout)
  for (const check of ['Node', 'home folder', 'disk', 'GPU', 'Redis', 'port']) assert.match(stdout, new RegExp(`^✔ ${check}: `, 'm'))
  assert.match(stdout, /^⚠ weights: none here yet; smollm2-135m-instruct, all-minilm-l6-v2 to be pulled/m)
  assert.match(stdout, /^ {2}→ outpost pull smollm2-135m-instruct/m)
})

test('what is broken ends with 1 and is told with what to do', async (t) => {
  const { code, stdout } = await outpost(t, ['doctor'], { home: temporaryFolder(t), env: { OUTPOST_SLOTS: 'some' } })
  assert.equal(code, 1)
  assert.match(stdout, /^✖ settings: OUTPOST_SLOTS: .*\n {2}→ correct or unset this variable$/m)
})

test('a model that the settings name and nobody knows is broken, and a start with it ends in one line', async (t) => {
  const home = temporaryFolder(t)
  const env = { OUTPOST_MODEL: 'smolm2', OUTPOST_PORT: '0' }
  const { code, stdout } = await outpost(t, ['doctor'], { home, env })
  assert.equal(code, 1)
  assert.match(stdout, /^✖ weights: OUTPOST_MODEL: there is no model "smolm2": did you mean smollm2.*\n {2}→ correct or unset this variable$/m)
  const start = await outpost(t, ['serve'], { home, env })
  assert.deepEqual([start.code, start.stdout], [1, ''])
  assert.match(start.stderr, /^outpost: OUTPOST_MODEL \(or --model\): there is no model "smolm2": did you mean smollm2.*\n$/)
})

test('a home folder that others can look into is a warning, a file in its place is broken', async (t) => {
  const home = temporaryFolder(t)
  chmodSync(home, 0o755)
  const open = await checkHome(loadConfig({ OUTPOST_HOME: home }))
  assert.deepEqual([open.state, open.advice], ['warning', `chmod 700 ${home}`])
  chmodSync(home, 0o700)
  assert.equal((await checkHome(loadConfig({ OUTPOST_HOME: home }))).state, 'fine')
  assert.equal((await checkHome(loadConfig({ OUTPOST_HOME: join(home, 'later', 'on') }))).state, 'fine')
  writeFileSync(join(home, 'file'), '')
  assert.equal((await checkHome(loadConfig({ OUTPOST_HOME: join(home, 'file', 'home') }))).state, 'broken')
})

test('a port that another program has is broken', async (t) => {
  const other = createServer()
  onEnd(t, () => other.close())
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const port = String((other.address() as AddressInfo).port)
  const found = await checkPort(loadConfig({ OUTPOST_HOME: temporaryFolder(t), OUTPOST_PORT: port }), false)
  assert.deepEqual([found.state, found.message], ['broken', `${port} on 127.0.0.1 is taken by another program`])
})

test('a Redis of REDIS_URL is asked as it runs', async (t) => {
  const { redis } = await testRedis(t)
  const config = loadConfig({ OUTPOST_HOME: temporaryFolder(t), REDIS_URL: `unix://${redis.socket}` })
  assert.equal((await checkRedisHere(config)).state, 'fine')
  await redis.stop()
  const gone = await checkRedisHere(config)
  assert.equal(gone.state, 'broken')
  assert.match(gone.message, /unreachable/)
})

test('weights are held against their size, and with --deep against their hash', async (t) => {
  const home = temporaryFolder(t)
  const bytes = someBytes(5000)
  const entry = entryOf([fileOf(bytes)])
  writeCatalogue(home, { defaults: { chat: entry.id, embedding: entry.id }, models: [entry] })
  const config = loadConfig({ OUTPOST_HOME: home })
  const look = (deep: boolean) => checkWeights(config, deep, () => {})
  const missing = await look(false)
  assert.deepEqual([missing.state, missing.advice], ['warning', `outpost pull ${entry.id}`])

  const mirror = temporaryFolder(t)
  writeFileSync(join(mirror, 'weights.bin'), bytes)
  const pulled = await outpost(t, ['pull', entry.id], { home, env: { OUTPOST_MIRRORS: mirror } })
  assert.equal(pulled.code, 0, pulled.stderr)
  assert.equal((await look(true)).state, 'fine')

  const blob = openLocalModels(config).store.blobPath(entry.files[0]?.sha256 ?? '')
  chmodSync(blob, 0o600)
  writeFileSync(blob, someBytes(5000))
  assert.equal((await look(false)).state, 'fine')
  const changed = await look(true)
  assert.equal(changed.state, 'broken')
  assert.match(changed.message, /sha256/)
  writeFileSync(blob, 'short')
  const short = await look(false)
  assert.deepEqual([short.state, short.advice], ['broken', `outpost pull ${entry.id}`])
})
