import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createChatClient } from '../helpers/chat-client.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { until } from '../helpers/processes.ts'
import { startTestServer } from '../helpers/server.ts'

type Client = ReturnType<typeof createChatClient>

const server = await startTestServer({ after })
const client = createChatClient(server.url)

async function ask({ call }: Client, content: string): Promise<string> {
  const { conversation } = await call('createChat', { body: { settings: { model: 'fake' } } })
  await call('writeMessage', { id: conversation.id, body: { content } })
  return conversation.id
}

async function lastOf({ call }: Client, id: string) {
  const message = (await call('showChat', { id })).messages.at(-1) ?? assert.fail()
  return { ...message, text: message.content.map((part) => (part.type === 'text' ? part.text : '')).join('') }
}

const textOf = (stream: string) =>
  stream
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice(6)) as { type: string; text?: string })
    .map(({ type, text = '' }) => (type === 'text-delta' ? text : ''))
    .join('')

test('an answer goes on when its reader leaves, and two others read the whole of it', async () => {
  const id = await ask(client, 'fake: tokens=60 stepMs=10')
  const first = await client.response('generateAnswer', { id, body: {} })
  const reader = first.body?.getReader() ?? assert.fail()
  await reader.read()
  await reader.cancel()
  const readers = await Promise.all([1, 2].map(() => client.response('followAnswer', { id })))
  const [one, other] = await Promise.all(readers.map((response) => response.text()))
  const { state, text, timings, usage } = await lastOf(client, id)
  assert.deepEqual([state, usage?.completionTokens, text.split(' ').length], ['complete', 60, 60])
  assert.deepEqual([textOf(one ?? ''), textOf(other ?? '')], [text, text])
  assert.ok((timings?.tokensPerSecond ?? 0) > 0 && timings?.firstTokenMs !== null)
})

test('what came before a stop is kept', async () => {
  const id = await ask(client, 'fake: tokens=100000 stepMs=5')
  const stream = await client.response('generateAnswer', { id, body: {} })
  await until(async () => (await lastOf(client, id)).text.includes('brown'), 'some words came')
  assert.equal((await client.call('stopAnswer', { id, body: {} })).stopped, 1)
  const text = textOf(await stream.text())
  await until(async () => (await lastOf(client, id)).state === 'stopped', 'it stopped')
  assert.equal((await lastOf(client, id)).text, text)
  assert.equal((await client.call('chats', { query: '?search=brown' })).conversations[0]?.id, id)
})

test('a prompt over the context window is refused with both numbers, and nothing is cut', async () => {
  const { attachment } = await client.upload('long.txt', 'word '.repeat(9000))
  const { conversation } = await client.call('createChat', { body: { settings: { model: 'fake' } } })
  await client.call('writeMessage', { id: conversation.id, body: { content: [{ type: 'attachment', id: attachment.id }] } })
  const refused = await client.response('generateAnswer', { id: conversation.id, body: {} })
  const { error } = (await refused.json()) as { error: { code: string; message: string } }
  assert.deepEqual([refused.status, error.code], [400, 'context_length_exceeded'])
  assert.match(error.message, /90\d\d prompt tokens.* 8192/)
  assert.equal((await lastOf(client, conversation.id)).error?.code, 'context_length_exceeded')
})

test('an answer that a restart interrupts keeps what came, and one that waited is given after it', async (t) => {
  const home = temporaryFolder(t)
  const before = await startTestServer(t, { home })
  const old = createChatClient(before.url)
  // As many as the fake model has slots; the last one waits behind them.
  const running: string[] = []
  for (let i = 0; i < 4; i++) {
    const id = await ask(old, 'fake: tokens=100000 stepMs=5')
    await (await old.response('generateAnswer', { id, body: {} })).body?.cancel()
    running.push(id)
  }
  for (const id of running) await until(async () => (await lastOf(old, id)).text.includes('brown'), 'some words came')
  const waiting = await ask(old, 'fake: say="after the restart"')
  const { conversation } = await old.call('showChat', { id: waiting })
  const answered = old.response('generateAnswer', { id: conversation.id, body: {} }).then((response) => response.body?.cancel())
  await until(async () => (await lastOf(old, waiting)).jobId !== null, 'it waits')
  before.child.kill('SIGKILL')
  await Promise.allSettled([answered])
  await before.stop()

  const after = createChatClient((await startTestServer(t, { home })).url)
  await until(async () => (await lastOf(after, waiting)).state === 'complete', 'the one that waited is answered')
  assert.equal((await lastOf(after, waiting)).text, 'after the restart')
  for (const id of running) {
    const { state, text, error } = await lastOf(after, id)
    assert.deepEqual([state, error?.code], ['interrupted', 'worker_lost'])
    assert.match(text, /^the quick brown/)
  }
})
