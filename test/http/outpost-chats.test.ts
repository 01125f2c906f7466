import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endpoints } from '#contracts/api.ts'
import { createChatClient } from '../helpers/chat-client.ts'
import { answer, dataOf, end, open, type ScriptedJob, start, startScripted, text } from './scripted-services.ts'

test('a conversation is begun, named by its first words, found in the list, renamed, moved and pinned', async () => {
  await using server = await startScripted()
  const { call } = createChatClient(server.url)
  const { conversation } = await call('createChat', { body: {} })
  assert.deepEqual([conversation.title, conversation.activeId, conversation.messages], ['', null, 0])
  const written = await call('writeMessage', { id: conversation.id, body: { content: 'Which region\ngrew most?' } })
  assert.equal(written.conversation.title, 'Which region grew most?')
  assert.equal(written.conversation.activeId, written.message.id)
  const { folder } = await call('createChatFolder', { body: { name: 'Work' } })
  const changed = await call('changeChat', { id: conversation.id, body: { title: 'Numbers', pinned: true, folderId: folder.id } })
  assert.deepEqual([changed.conversation.title, changed.conversation.pinned, changed.conversation.folderId], ['Numbers', true, folder.id])
  await call('createChat', { body: { title: 'Another' } })
  const titles = async (query = '') => (await call('chats', { query })).conversations.map(({ title }) => title)
  assert.deepEqual(await titles(), ['Numbers', 'Another'])
  assert.deepEqual(await titles(`?folder=${folder.id}`), ['Numbers'])
  assert.deepEqual(await titles('?folder=none'), ['Another'])
  assert.equal((await call('chatFolders', {})).folders[0]?.conversations, 1)
  await call('removeChatFolder', { id: folder.id })
  assert.equal((await call('showChat', { id: conversation.id })).conversation.folderId, null)
})

test('a list is read in pages, pinned ones first, and each is in one page', async () => {
  await using server = await startScripted()
  const { call } = createChatClient(server.url)
  for (let i = 1; i <= 7; i++) {
    const { conversation } = await call('createChat', { body: { title: `${i}` } })
    if (i === 3) await call('changeChat', { id: conversation.id, body: { pinned: true } })
  }
  const seen: string[] = []
  let after = ''
  do {
    const page = await call('chats', { query: `?limit=3${after}` })
    seen.push(...page.conversations.map(({ title }) => title))
    after = page.next === null ? '' : `&after=${page.next}`
  } while (after !== '')
  assert.deepEqual(seen, ['3', '7', '6', '5', '4', '2', '1'])
})

test('what is deleted lies in the bin, cannot be gone on with, comes back, and goes for ever the second time', async () => {
  await using server = await startScripted()
  const { call, status } = createChatClient(server.url)
  const { conversation } = await call('createChat', { body: { title: 'Old' } })
  const { id } = conversation
  await call('writeMessage', { id, body: { content: 'needle' } })
  assert.equal((await call('deleteChat', { id })).forever, false)
  assert.equal((await call('chats', {})).conversations.length, 0)
  assert.equal((await call('chats', { query: '?search=needle' })).conversations.length, 0)
  assert.equal((await call('chats', { query: '?deleted=true' })).conversations[0]?.title, 'Old')
  assert.equal(await status('writeMessage', { id, body: { content: 'more' } }), 409)
  assert.equal((await call('restoreChat', { id })).conversation.deletedAt, null)
  assert.equal((await call('chats', { query: '?search=needle' })).conversations.length, 1)
  await call('deleteChat', { id })
  assert.equal((await call('deleteChat', { id })).forever, true)
  assert.equal(await status('showChat', { id }), 404)
})

test('an edit is a new branch beside the old one, and a branch is read again to where it ended', async () => {
  await using server = await startScripted()
  const { call } = createChatClient(server.url)
  const { id } = (await call('createChat', { body: {} })).conversation
  const say = async (content: string) => (await call('writeMessage', { id, body: { content } })).message
  const [one, two, three] = [await say('one'), await say('two'), await say('three')]
  const edited = await call('editMessage', { id, message: two.id, body: { content: 'two, otherwise' } })
  assert.deepEqual(edited.message.siblings, [two.id, edited.message.id])
  const words = ({ messages }: { messages: { content: unknown[] }[] }) => messages.map(({ content }) => (content[0] as { text: string }).text)
  assert.deepEqual(words(await call('showChat', { id })), ['one', 'two, otherwise'])
  const chosen = await call('chooseBranch', { id, body: { messageId: two.id } })
  assert.deepEqual(words(chosen), ['one', 'two', 'three'])
  assert.equal(chosen.conversation.activeId, three.id)
  assert.deepEqual(words(await call('showChat', { id, query: `?leaf=${edited.message.id}` })), ['one', 'two, otherwise'])
  const page = await call('showChat', { id, query: '?limit=2' })
  assert.deepEqual([words(page), page.earlier], [['two', 'three'], true])
  const before = await call('showChat', { id, query: `?limit=2&before=${two.id}` })
  assert.deepEqual([words(before), before.earlier], [['one'], false])
  const { nodes } = await call('chatTree', { id })
  assert.deepEqual(
    nodes.map(({ parentId }) => parentId),
    [null, one.id, two.id, one.id]
  )
})

test('a message sent twice with the same id is said once', async () => {
  await using server = await startScripted()
  const { call } = createChatClient(server.url)
  const { id } = (await call('createChat', { body: {} })).conversation
  const first = await call('writeMessage', { id, body: { id: 'mine-1', content: 'hello' } })
  const again = await call('writeMessage', { id, body: { id: 'mine-1', content: 'hello' } })
  assert.deepEqual([again.message, again.conversation.messages], [first.message, 1])
})

test('an answer streams as any job does, is kept by the server, and is given anew beside the old one', async () => {
  await using server = await startScripted()
  const { call, response } = createChatClient(server.url)
  const settings = { model: 'small', systemPrompt: 'Be brief.', generation: { temperature: 0 } }
  const { id } = (await call('createChat', { body: { settings } })).conversation
  const { message } = await call('writeMessage', { id, body: { content: 'hello' } })
  const stream = await response('generateAnswer', { id, body: { messageId: message.id } })
  assert.equal(stream.status, 200)
  assert.deepEqual(
    dataOf(await stream.text()).map((event) => (event as { type: string }).type),
    answer.map(({ type }) => type)
  )
  const { submission } = server.jobs[0] ?? assert.fail()
  assert.ok(submission.kind === 'chat')
  assert.deepEqual([submission.detached, submission.lane, submission.request.generation.temperature], [true, 'interactive', 0])
  assert.deepEqual(submission.request.messages, [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'hello' }
  ])
  const shown = await call('showChat', { id })
  const kept = shown.messages.at(-1) ?? assert.fail()
  assert.equal(kept.id, stream.headers.get('x-outpost-message-id'))
  assert.deepEqual([kept.state, kept.finishReason, kept.model, kept.content], ['complete', 'stop', 'small', [{ type: 'text', text: 'Hello world' }]])
  assert.deepEqual([kept.usage?.cachedTokens, kept.contextWindow, kept.timings?.tokensPerSecond], [4, 8192, 1000])
  await (await response('generateAnswer', { id, body: { messageId: kept.id } })).text()
  const again = await call('showChat', { id })
  assert.equal(again.messages.length, 2)
  assert.equal(again.messages.at(-1)?.siblings.length, 2)
  const voted = await call('voteMessage', { id, message: kept.id, body: { vote: 'up' } })
  assert.equal(voted.message.vote, 'up')
})

test('an answer goes on when its reader leaves, and is followed again after the last event that was seen', async () => {
  const started = Promise.withResolvers<ScriptedJob>()
  await using server = await startScripted((job) => {
    job.emit(start, open(), text('Hello'))
    started.resolve(job)
  })
  const { call, response } = createChatClient(server.url)
  const { id } = (await call('createChat', { body: { settings: { model: 'small' } } })).conversation
  await call('writeMessage', { id, body: { content: 'hello' } })
  const stream = await response('generateAnswer', { id, body: {} })
  await stream.body?.cancel()
  const job = await started.promise
  const half = await call('showChat', { id })
  assert.equal(half.conversation.generating, true)
  const message = half.messages.at(-1) ?? assert.fail()
  assert.deepEqual([message.state, message.seq, message.jobId], ['generating', 2, job.jobId])
  assert.deepEqual(message.content, [{ type: 'text', text: 'Hello' }])
  job.emit(text(' there'), { type: 'sequence-end', index: 0, finishReason: 'stop' }, end)
  const rest = await response('followAnswer', { id, query: `?message=${message.id}`, headers: { 'last-event-id': '2' } })
  assert.deepEqual(
    dataOf(await rest.text()).map((event) => (event as { seq: number }).seq),
    [3, 4, 5]
  )
  const whole = (await call('showChat', { id })).messages.at(-1)
  assert.deepEqual([whole?.state, whole?.content], ['complete', [{ type: 'text', text: 'Hello there' }]])
  assert.equal((await response('followAnswer', { id })).status, 204)
})

test('what ends an answer badly stands in the conversation, with what had come', async () => {
  await using server = await startScripted((job) => {
    const last = server.jobs.length === 1 ? 'context_length_exceeded' : 'worker_lost'
    if (last === 'worker_lost') job.emit(start, open(), text('Hel'))
    job.emit({ type: 'error', code: last, message: '9000 of 8192', retryable: false })
  })
  const { call, response } = createChatClient(server.url)
  const { id } = (await call('createChat', { body: { settings: { model: 'small' } } })).conversation
  await call('writeMessage', { id, body: { content: 'hello' } })
  assert.equal((await response('generateAnswer', { id, body: {} })).status, 400)
  const failed = (await call('showChat', { id })).messages.at(-1)
  assert.deepEqual([failed?.state, failed?.error], ['failed', { code: 'context_length_exceeded', message: '9000 of 8192' }])
  await (await response('generateAnswer', { id, body: {} })).text()
  const lost = (await call('showChat', { id })).messages.at(-1)
  assert.deepEqual([lost?.state, lost?.content], ['interrupted', [{ type: 'text', text: 'Hel' }]])
})

test('nothing is written of an answer that the queue does not take, or that has no model', async () => {
  await using server = await startScripted()
  const { call, response, status } = createChatClient(server.url)
  const { id } = (await call('createChat', { body: {} })).conversation
  assert.equal(await status('generateAnswer', { id, body: { model: 'small' } }), 400)
  const { message } = await call('writeMessage', { id, body: { content: 'hello' } })
  assert.equal(await status('generateAnswer', { id, body: {} }), 400)
  assert.equal(await status('generateAnswer', { id, body: { model: 'nothing' } }), 404)
  assert.equal(await status('generateAnswer', { id, body: { model: 'embedder' } }), 400)
  const { AppError } = await import('../../server/errors.ts')
  server.services.jobs.submit = async () => {
    throw new AppError('queue_full', 'too many')
  }
  assert.equal((await response('generateAnswer', { id, body: { model: 'small' } })).status, 503)
  const shown = await call('showChat', { id })
  assert.deepEqual([shown.conversation.activeId, shown.conversation.messages, shown.conversation.generating], [message.id, 1, false])
})

test('two models answer the same message beside each other, and all of it is stopped at once', async () => {
  await using server = await startScripted((job) => job.emit(start, open(), text('a')))
  server.models.push({ ...(server.models[0] ?? assert.fail()), id: 'other', aliases: [] })
  const { call } = createChatClient(server.url)
  const { id } = (await call('createChat', { body: {} })).conversation
  const { message } = await call('writeMessage', { id, body: { content: 'hello' } })
  const compared = await call('compareAnswers', { id, body: { models: ['small', 'other'], messageId: message.id } })
  assert.deepEqual(
    compared.messages.map(({ model, parentId, state }) => [model, parentId, state]),
    [
      ['small', message.id, 'generating'],
      ['other', message.id, 'generating']
    ]
  )
  assert.equal(compared.conversation.activeId, compared.messages[0]?.id)
  assert.equal((await call('stopAnswer', { id, body: {} })).stopped, 2)
  assert.deepEqual(server.cancelled, ['job-1', 'job-2'])
})

test('nobody sees or touches the conversations of another client, administrators included', async () => {
  await using server = await startScripted()
  const key = (role: 'user' | 'administrator') => ({ 'x-api-key': server.services.keys.create({ name: role, role, lane: 'normal' }).secret })
  const mine = createChatClient(server.url, key('user'))
  const { id } = (await mine.call('createChat', { body: { title: 'secret' } })).conversation
  const { message } = await mine.call('writeMessage', { id, body: { content: 'secret' } })
  const { folder } = await mine.call('createChatFolder', { body: { name: 'f' } })
  const { preset } = await mine.call('createChatPreset', { body: { name: 'p', settings: { systemPrompt: 's' } } })
  const { attachment } = await mine.upload('a.txt', 'secret')
  for (const headers of [key('user'), key('administrator'), {}]) {
    const { call, status } = createChatClient(server.url, headers)
    assert.deepEqual((await call('chats', {})).conversations, [])
    assert.deepEqual((await call('chats', { query: '?search=secret' })).conversations, [])
    assert.deepEqual([(await call('chatFolders', {})).folders, (await call('chatPresets', {})).presets], [[], []])
    const order = { model: 'small', messageId: message.id }
    const refused = [
      status('showChat', { id }),
      status('chatTree', { id }),
      status('changeChat', { id, body: { title: 'x' } }),
      status('deleteChat', { id }),
      status('restoreChat', { id }),
      status('writeMessage', { id, body: { content: 'x' } }),
      status('editMessage', { id, message: message.id, body: { content: 'x' } }),
      status('voteMessage', { id, message: message.id, body: { vote: 'up' } }),
      status('chooseBranch', { id, body: { messageId: message.id } }),
      status('generateAnswer', { id, body: order }),
      status('compareAnswers', { id, body: { models: ['small', 'small'], messageId: message.id } }),
      status('followAnswer', { id }),
      status('stopAnswer', { id, body: {} }),
      status('exportChat', { id }),
      status('renameChatFolder', { id: folder.id, body: { name: 'x' } }),
      status('removeChatFolder', { id: folder.id }),
      status('changeChatPreset', { id: preset.id, body: { name: 'x' } }),
      status('removeChatPreset', { id: preset.id }),
      status('attachment', { id: attachment.id }),
      status('attachmentText', { id: attachment.id }),
      status('createChat', { body: { folderId: folder.id } })
    ]
    assert.deepEqual([...new Set(await Promise.all(refused))], [404])
    const own = (await call('createChat', { body: {} })).conversation
    assert.equal(await status('writeMessage', { id: own.id, body: { content: [{ type: 'attachment', id: attachment.id }] } }), 404)
    await call('deleteChat', { id: own.id })
  }
  assert.equal((await mine.call('showChat', { id })).conversation.title, 'secret')
})

test('presets keep a model, a system prompt and settings under a name', async () => {
  await using server = await startScripted()
  const { call, status } = createChatClient(server.url)
  const { preset } = await call('createChatPreset', { body: { name: 'Brief', settings: { model: 'small', generation: { temperature: 0.1 } } } })
  assert.deepEqual(preset.settings, { model: 'small', systemPrompt: '', generation: { temperature: 0.1 }, reasoning: true })
  assert.equal(await status('createChatPreset', { body: { name: 'Brief' } }), 409)
  assert.equal((await call('changeChatPreset', { id: preset.id, body: { name: 'Short' } })).preset.name, 'Short')
  await call('removeChatPreset', { id: preset.id })
  assert.deepEqual((await call('chatPresets', {})).presets, [])
})

test('nothing of a conversation is logged', async () => {
  await using server = await startScripted()
  const { call, response, upload } = createChatClient(server.url)
  const { id } = (await call('createChat', { body: { title: 'canary', settings: { model: 'small', systemPrompt: 'canary' } } })).conversation
  const { attachment } = await upload('canary.txt', 'canary')
  await call('writeMessage', {
    id,
    body: {
      content: [
        { type: 'text', text: 'canary' },
        { type: 'attachment', id: attachment.id }
      ]
    }
  })
  await (await response('generateAnswer', { id, body: {} })).text()
  await call('chats', { query: '?search=canary' })
  assert.deepEqual(
    server.logged.filter((line) => line.includes('canary')),
    []
  )
})

test('every endpoint of the chat is open to whoever may use models, and to nobody else', () => {
  for (const [name, { roles, path }] of Object.entries(endpoints))
    if (/^\/outpost\/(chats|chat-|attachments)/.test(path)) assert.deepEqual(roles, ['local', 'user', 'administrator', 'owner'], name)
})
