import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { temporaryFolder } from '../helpers/folder.ts'
import { tinyGguf } from '../helpers/gguf.ts'
import { onEnd } from '../helpers/on-end.ts'
import { fakeCatalogue, startTestServer, writeCatalogue } from '../helpers/server.ts'
import { type Answer, startFileServer } from '../models/file-server.ts'
import { entryOf, fileOf } from '../models/fixtures.ts'
import { outpost, startOutpost } from './outpost.ts'

/** The fake engine's settings, padded so that a part of them is worth resuming. */
const bytes = Buffer.from(JSON.stringify({ slots: 2 }).padEnd(400_000))
const entry = { ...entryOf([fileOf(bytes)], 'small'), engine: 'fake' }
const catalogue = { ...fakeCatalogue, models: [...fakeCatalogue.models, entry] }

async function mirror(t: TestContext, answer: () => Answer) {
  const server = await startFileServer(answer)
  onEnd(t, () => server[Symbol.asyncDispose]())
  return server
}

test('without a server a model is pulled here; Ctrl-C stops it cleanly, and the next pull goes on', async (t) => {
  const home = temporaryFolder(t)
  writeCatalogue(home, catalogue)
  const hold = Promise.withResolvers<void>()
  onEnd(t, hold.resolve)
  let answer: Answer = { bytes, etag: '"1"', holdAfter: { bytes: 200_000, until: hold.promise } }
  const files = await mirror(t, () => answer)
  const env = { OUTPOST_MIRRORS: files.url }

  const first = startOutpost(t, ['pull', 'small'], { home, env })
  await first.says(/weights\.bin: 50 %/)
  first.child.kill('SIGINT')
  assert.equal(await first.ended, 130)
  assert.match(first.stderr(), /^The pull of small was stopped\. .*the next pull goes on/)

  answer = { bytes, etag: '"1"' }
  const second = await outpost(t, ['pull', 'small'], { home, env })
  assert.equal(second.code, 0, second.stderr)
  assert.match(second.stdout, /100 %[\s\S]*small is here\.\n$/)
  assert.match(files.requests.at(-1)?.range ?? '', /^bytes=[1-9]\d*-$/)
  assert.match((await outpost(t, ['list'], { home })).stdout, /^✔ {2}small +chat +400 kB +present/m)
})

test('a pull that no source can serve ends with 1 and says what each answered', async (t) => {
  const home = temporaryFolder(t)
  writeCatalogue(home, catalogue)
  const { code, stderr } = await outpost(t, ['pull', 'small'], { home, env: { OUTPOST_MIRRORS: temporaryFolder(t) } })
  assert.equal(code, 1)
  assert.match(stderr, /^outpost: weights\.bin could not be had: folder .* has no such file.*OUTPOST_MIRRORS/)
  const unknown = await outpost(t, ['pull', 'smal'], { home })
  assert.equal(unknown.code, 1)
  assert.match(unknown.stderr, /did you mean small/)
})

test('a .gguf file is used where it lies', async (t) => {
  const home = temporaryFolder(t)
  const file = tinyGguf(join(temporaryFolder(t), 'Tiny One.gguf'))
  const { code, stdout, stderr } = await outpost(t, ['pull', file], { home })
  assert.equal(code, 0, stderr)
  assert.equal(stdout, `tiny-one is here: ${file} is used where it lies.\n`)
  assert.match((await outpost(t, ['list'], { home })).stdout, /^✔ {2}tiny-one +chat .* present/m)
  const wrong = await outpost(t, ['pull', `${home}/none.gguf`], { home })
  assert.equal(wrong.code, 1)
  assert.match(wrong.stderr, /none\.gguf/)
})

test('a running server pulls, and has the model at once; a start shows how far it is', async (t) => {
  let answer: Answer = { bytes }
  const files = await mirror(t, () => answer)
  const server = await startTestServer(t, {
    catalogue: {
      ...catalogue,
      defaults: { chat: 'small', embedding: 'none-here' },
      models: [...catalogue.models, { ...entryOf([fileOf(Buffer.from('x'), [], 'other.bin')], 'none-here'), engine: 'fake' }]
    },
    env: { OUTPOST_MIRRORS: files.url, OUTPOST_LOG_LEVEL: 'info' }
  })
  assert.match(server.stdout(), /^weights\.bin: 100 %/m)
  assert.match(server.stderr(), /^\{"level":"info".*"pull ended"\}$/m)
  assert.ok(!existsSync(join(server.home, 'logs')), 'without a terminal the log stays on stderr')
  // The mirror's other file is not what it should be.
  await server.said(/^Embeddings are off until none-here is here: /m)

  answer = { bytes: Buffer.from('x') }
  const pulled = await outpost(t, ['pull', 'none-here'], { home: server.home })
  assert.equal(pulled.code, 0, pulled.stderr)
  assert.equal((await outpost(t, ['load', 'none-here'], { home: server.home })).code, 1, 'x are no settings')
  const run = await outpost(t, ['run', 'small', 'fake: say="pulled and loaded"'], { home: server.home })
  assert.equal(run.stdout, 'pulled and loaded\n')
})

test('a model is pulled from a place, at a rate, with and without a server, and what nobody vouches for is said', async (t) => {
  const weights = readFileSync(tinyGguf(join(temporaryFolder(t), 'x.gguf')))
  const files = await mirror(t, () => ({ bytes: weights }))
  const home = temporaryFolder(t)
  writeCatalogue(home, catalogue)
  const here = await outpost(t, ['pull', `${files.url}/Tiny-Q4_0.gguf`, '--limit-rate', '50M'], { home })
  assert.equal(here.code, 0, here.stderr)
  assert.match(here.stdout, /tiny-q4_0 is here\.\n$/)
  assert.match(here.stderr, /^⚠ Nobody vouches for Tiny-Q4_0\.gguf: .*pinned to sha256 [0-9a-f]{64}/m)

  const server = await startTestServer(t)
  const there = await outpost(t, ['pull', `${files.url}/Other-Q4_0.gguf`, '--json'], { home: server.home })
  assert.equal(there.code, 0, there.stderr)
  const ended = JSON.parse(there.stdout) as { model: string; state: string; warnings: string[] }
  assert.deepEqual([ended.model, ended.state, ended.warnings.length], ['other-q4_0', 'done', 1])
  assert.match((await outpost(t, ['list'], { home: server.home })).stdout, /^✔ {2}other-q4_0 +chat/m)
  // Once it is here, its place is a name of it.
  assert.match((await outpost(t, ['pull', `${files.url}/Other-Q4_0.gguf`], { home: server.home })).stdout, /other-q4_0 is here\.\n$/)
  assert.equal(files.requests.filter(({ path }) => path.includes('Other')).length, 2, 'its length was asked, and it came once')

  const wrong = await outpost(t, ['pull', 'x', '--limit-rate', 'fast'], { home })
  assert.equal(wrong.code, 2)
  assert.match(wrong.stderr, /--limit-rate must be bytes a second, 1K or more, such as 50M/)
})
