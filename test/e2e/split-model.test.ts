import assert from 'node:assert/strict'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openLocalModels } from '../../server/cli/local-models.ts'
import { loadConfig } from '../../server/config.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { splitTinyGguf } from '../helpers/gguf.ts'
import { startTestServer } from '../helpers/server.ts'
import { entryOf, fileOf } from '../models/fixtures.ts'

test('a split model is pulled, loaded from its parts, answers, and is removed whole', async (t) => {
  const mirror = temporaryFolder(t)
  const files = splitTinyGguf(3).map((bytes, index) => {
    const file = fileOf(bytes, [], `tiny-0000${index + 1}-of-00003.gguf`)
    writeFileSync(join(mirror, file.name), bytes)
    return file
  })
  const catalogue = { defaults: { chat: 'split', embedding: 'split' }, models: [{ ...entryOf(files, 'split'), contextWindow: 256 }] }
  const server = await startTestServer(t, { catalogue, env: { OUTPOST_MIRRORS: mirror } })
  const reply = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'split', max_tokens: 4, messages: [{ role: 'user', content: 'hello' }] })
  })
  assert.equal(reply.status, 200)
  assert.deepEqual(
    readdirSync(join(server.home, 'models', 'named', 'split')),
    files.map(({ name }) => name)
  )
  await server.stop()
  const { store } = openLocalModels(loadConfig({ OUTPOST_HOME: server.home }))
  assert.equal(store.remove('split')?.id, 'split')
  assert.equal(existsSync(join(server.home, 'models', 'named', 'split')), false)
  assert.deepEqual(readdirSync(join(server.home, 'models', 'blobs')), [])
})
