import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { outpost } from '../cli/outpost.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { startTestServer } from '../helpers/server.ts'
import { placeWeights } from '../helpers/weights.ts'

test('a machine that has only ever seen a bundle serves chat and embeddings with the air gap on', async (t) => {
  const [from, to, stick] = [temporaryFolder(t), temporaryFolder(t), temporaryFolder(t)]
  const models = await placeWeights(from)
  const key = join(from, 'key.pem')
  const { fingerprint } = JSON.parse((await outpost(t, ['bundle', 'keygen', key, '--json'], { home: from })).stdout)
  const exported = await outpost(t, ['bundle', 'export', ...models, '--sign', key, '--split', '50M', stick], { home: from })
  assert.equal(exported.code, 0, exported.stderr)

  // Nothing of its own, and nowhere to ask: only what was carried over, by the fingerprint that was told.
  const env = { OUTPOST_AIR_GAP: '1', HF_ENDPOINT: 'http://127.0.0.1:9', HTTPS_PROXY: 'http://127.0.0.1:9', HTTP_PROXY: 'http://127.0.0.1:9' }
  const imported = await outpost(t, ['bundle', 'import', stick, '--trust', fingerprint], { home: to, env })
  assert.equal(imported.code, 0, imported.stderr)
  const server = await startTestServer(t, { home: to, catalogue: null, env, args: ['--no-pull'] })
  const ask = async (path: string, body: object) => {
    const reply = await fetch(`${server.url}/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body)
    })
    assert.equal(reply.status, 200, await reply.clone().text())
    // What OpenAI's dialect answers to the one and to the other.
    return (await reply.json()) as { choices?: { message: { content: string } }[]; data?: { embedding: number[] }[] }
  }
  const messages = [{ role: 'user', content: 'What is the capital of France? Answer in one sentence.' }]
  const chat = await ask('chat/completions', { model: 'smollm2', messages, temperature: 0, max_tokens: 20 })
  assert.match(chat.choices?.[0]?.message.content ?? '', /Paris/)
  // Where no mirror has the embedding model, there was none to carry.
  if (!models.includes('all-minilm-l6-v2')) return
  const { data } = await ask('embeddings', { model: 'all-minilm', input: ['A cat sleeps.'] })
  assert.equal(data?.[0]?.embedding.length, 384)
})
