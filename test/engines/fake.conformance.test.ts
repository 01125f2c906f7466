import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChatRequest } from '#contracts/chat.ts'
import { createFakeEngine } from '../../server/engines/fake/fake-engine.ts'
import { FakeTraits } from '../../server/engines/fake/fake-script.ts'
import { engineConformance } from './conformance.ts'

engineConformance('the fake engine', () => createFakeEngine(FakeTraits.parse({ slots: 3, contextWindow: 1024 })), {
  longAnswer: 'fake: tokens=200',
  embeds: true
})

/** What the fake engine says, delta by delta. */
async function say(words: string, stop: string[], features: object = {}): Promise<{ texts: string[]; finishReason: string | undefined }> {
  await using engine = await createFakeEngine(FakeTraits.parse({}))
  const request = ChatRequest.parse({
    model: 'fake',
    messages: [{ role: 'user', content: `fake: say="${words}"` }],
    generation: { stop },
    features
  })
  const texts: string[] = []
  let finishReason: string | undefined
  for await (const event of engine.chat(request, new AbortController().signal)) {
    if (event.type === 'text-delta') texts.push(event.text)
    if (event.type === 'sequence-end') finishReason = event.finishReason
  }
  return { texts, finishReason }
}

test('a stop string that spans several tokens never shows its beginning', async () => {
  assert.deepEqual(await say('one two three four', ['o three']), { texts: ['one', ' tw'], finishReason: 'stop' })
})

test('what only looked like a stop string is sent after all, each token as itself', async () => {
  assert.deepEqual(await say('one two three', ['o three!']), { texts: ['one', ' two', ' three'], finishReason: 'stop' })
  assert.deepEqual(await say('a a a b', ['a b', 'zz']), { texts: ['a', ' a', ' '], finishReason: 'stop' })
})
