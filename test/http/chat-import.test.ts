import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createChatClient } from '../helpers/chat-client.ts'
import { startScripted } from './scripted-services.ts'

const words = (messages: { role: string; content: { type: string; text?: string }[] }[]) =>
  messages.map(({ role, content }) => `${role}: ${content.map(({ text = '' }) => text).join('')}`)

const chatGptNode = (id: string, parent: string | null, role: string, parts: unknown[], more: object = {}) => ({
  [id]: {
    id,
    parent,
    children: [],
    message: { id, author: { role }, create_time: 1_700_000_000.5, content: { content_type: 'text', parts }, ...more }
  }
})
const chatGpt = [
  {
    title: 'Deploy\u202e timeout',
    conversation_id: 'c1',
    create_time: 1_700_000_000,
    update_time: 1_700_000_900,
    current_node: 'a2',
    mapping: {
      root: { id: 'root', message: null, parent: null, children: ['s'] },
      ...chatGptNode('s', 'root', 'system', [''], { metadata: { is_visually_hidden_from_conversation: true } }),
      ...chatGptNode('u1', 's', 'user', ['Why?', { content_type: 'image_asset_pointer', asset_pointer: 'file-service://x' }]),
      ...chatGptNode('a1', 'u1', 'assistant', ['Because.'], { metadata: { model_slug: 'gpt-5' } }),
      t1: {
        id: 't1',
        parent: 'u1',
        message: { author: { role: 'assistant' }, content: { content_type: 'thoughts', thoughts: [{ summary: 's', content: 'Hm.' }] } }
      },
      ...chatGptNode('tool', 't1', 'tool', ['{"secret": 1}']),
      ...chatGptNode('a2', 'tool', 'assistant', ['Therefore.'], { metadata: { model_slug: 'gpt-5' } })
    }
  }
]
const openWebUi = [
  {
    id: 'w1',
    title: 'Stones',
    pinned: true,
    created_at: 1_700_000_000,
    updated_at: 1_700_000_100,
    chat: {
      title: 'Stones',
      models: ['llama3'],
      params: { system: 'Be kind.' },
      history: {
        currentId: 'b',
        messages: {
          u: {
            id: 'u',
            parentId: null,
            childrenIds: ['a', 'b'],
            role: 'user',
            content: 'Hello',
            timestamp: 1_700_000_000,
            files: [{ type: 'file' }]
          },
          a: { id: 'a', parentId: 'u', childrenIds: [], role: 'assistant', content: 'One', model: 'llama3', timestamp: 1_700_000_001 },
          b: {
            id: 'b',
            parentId: 'u',
            childrenIds: [],
            role: 'assistant',
            content: '<details type="reasoning" done="true" duration="2">\n<summary>Thought for 2 seconds</summary>\n> Hm.\n> So.\n</details>\nTwo',
            model: 'llama3',
            timestamp: 1_700_000_002
          }
        }
      }
    }
  }
]
const lmStudio = {
  name: 'Local',
  createdAt: 1_700_000_000_000,
  perChatPredictionConfig: { fields: [{ key: 'llm.prediction.systemPrompt', value: 'Be brief.' }] },
  lastUsedModel: { identifier: 'qwen' },
  messages: [
    { versions: [{ type: 'singleStep', role: 'user', content: [{ type: 'text', text: 'Hi' }] }], currentlySelected: 0 },
    {
      versions: [
        { type: 'multiStep', role: 'assistant', steps: [{ type: 'contentBlock', content: [{ type: 'text', text: 'First' }] }] },
        {
          type: 'multiStep',
          role: 'assistant',
          steps: [
            { type: 'contentBlock', style: { type: 'thinking' }, content: [{ type: 'text', text: 'Hm.' }] },
            {
              type: 'contentBlock',
              content: [{ type: 'text', text: 'Second' }],
              genInfo: { identifier: 'qwen', stats: { tokensPerSecond: 42.5, timeToFirstTokenSec: 0.25 } }
            },
            { type: 'debugInfoBlock' }
          ]
        }
      ],
      currentlySelected: 1
    },
    { versions: [{ type: 'singleStep', role: 'user', content: [{ type: 'text', text: 'Bye' }] }], currentlySelected: 0 }
  ]
}

async function withImport(file: unknown) {
  const server = await startScripted()
  const client = createChatClient(server.url)
  const bring = (what: unknown) => client.call('importChats', { body: typeof what === 'string' ? what : JSON.stringify(what) })
  const report = await bring(file)
  const show = (id = report.conversations[0] ?? assert.fail()) => client.call('showChat', { id })
  return { ...client, report, bring, show, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

test('an export of ChatGPT comes with its branches, reasoning and models, and says what is not in it', async () => {
  await using imported = await withImport(chatGpt)
  const { report } = imported
  assert.deepEqual([report.format, report.added, report.refusedCount], ['chatgpt', 1, 0])
  const { conversation, messages } = await imported.show()
  assert.deepEqual(
    [conversation.title, conversation.createdAt, conversation.activeId],
    ['Deploy  timeout'.replace('  ', '  '), 1_700_000_000_000, 'a2']
  )
  assert.deepEqual(words(messages), ['user: Why?', 'assistant: Therefore.'])
  assert.deepEqual([messages[1]?.reasoning, messages[1]?.model, messages[1]?.siblings], ['Hm.', 'gpt-5', ['a1', 'a2']])
  assert.deepEqual(
    report.notes.map(({ note }) => note),
    ['a part that is no text (image_asset_pointer) is not in the export', 'what was said to and by tools was left out']
  )
})

test('an export of Open WebUI comes with its branches, reasoning and system prompt', async () => {
  await using imported = await withImport(openWebUi)
  assert.deepEqual([imported.report.format, imported.report.added], ['open-webui', 1])
  const { conversation, messages } = await imported.show()
  assert.deepEqual([conversation.pinned, conversation.settings.systemPrompt, conversation.settings.model], [true, 'Be kind.', 'llama3'])
  assert.deepEqual(words(messages), ['user: Hello', 'assistant: Two'])
  assert.deepEqual([messages[1]?.reasoning, messages[1]?.siblings], ['Hm.\nSo.', ['a', 'b']])
})

test('a conversation of LM Studio comes with its versions as branches, and how fast they were', async () => {
  await using imported = await withImport(lmStudio)
  assert.deepEqual([imported.report.format, imported.report.added], ['lm-studio', 1])
  const { conversation, messages } = await imported.show()
  assert.equal(conversation.settings.systemPrompt, 'Be brief.')
  assert.deepEqual(words(messages), ['user: Hi', 'assistant: Second', 'user: Bye'])
  assert.deepEqual([messages[1]?.reasoning, messages[1]?.siblings.length, messages[1]?.timings?.tokensPerSecond], ['Hm.', 2, 42.5])
})

test('importing again changes nothing, a later export goes on with the same conversation, and the bin gives it back', async () => {
  await using imported = await withImport(chatGpt)
  const id = imported.report.conversations[0] ?? assert.fail()
  const again = await imported.bring(chatGpt)
  assert.deepEqual([again.added, again.extended, again.unchanged], [0, 0, 1])
  const [entry] = structuredClone(chatGpt)
  Object.assign(entry?.mapping ?? {}, chatGptNode('u2', 'a2', 'user', ['And now?']))
  const later = await imported.bring([{ ...entry, current_node: 'u2' }])
  assert.deepEqual([later.added, later.extended, later.conversations], [0, 1, [id]])
  assert.deepEqual(words((await imported.show(id)).messages), ['user: Why?', 'assistant: Therefore.', 'user: And now?'])
  await imported.call('deleteChat', { id })
  assert.equal((await imported.bring(chatGpt)).extended, 1)
  assert.equal((await imported.show(id)).conversation.deletedAt, null)
  assert.equal((await imported.call('chats', {})).conversations.length, 1)
})

test('our own export comes back whole somewhere else, and changes nothing where it is from', async () => {
  await using here = await startScripted()
  await using there = await startScripted()
  const [one, other] = [createChatClient(here.url), createChatClient(there.url)]
  const { attachment } = await one.upload('a.csv', 'a;b\n1;2\n')
  const { folder } = await one.call('createChatFolder', { body: { name: 'Work' } })
  const { id } = (await one.call('createChat', { body: { title: 'All', folderId: folder.id, settings: { model: 'small' } } })).conversation
  await one.call('writeMessage', {
    id,
    body: {
      content: [
        { type: 'text', text: 'Look' },
        { type: 'attachment', id: attachment.id }
      ]
    }
  })
  await (await one.response('generateAnswer', { id, body: {} })).text()
  await (await one.response('generateAnswer', { id, body: {} })).text()
  const file = await (await one.response('exportChats')).text()
  const same = await one.call('importChats', { body: file })
  assert.deepEqual([same.added, same.unchanged], [0, 1])
  const report = await other.call('importChats', { body: file })
  assert.deepEqual([report.format, report.added, report.notes], ['outpost', 1, []])
  const moved = await other.call('showChat', { id: report.conversations[0] ?? '' })
  const original = await one.call('showChat', { id })
  assert.deepEqual(words(moved.messages), words(original.messages))
  assert.deepEqual([moved.messages[1]?.siblings, moved.messages[1]?.usage], [original.messages[1]?.siblings, original.messages[1]?.usage])
  const part = moved.messages[0]?.content[1]
  assert.ok(part?.type === 'attachment')
  assert.equal(await (await other.response('attachment', { id: part.attachment.id })).text(), 'a;b\n1;2\n')
  assert.equal((await other.call('chatFolders', {})).folders[0]?.name, 'Work')
})

test('Markdown has the branch that is shown', async () => {
  await using imported = await withImport(openWebUi)
  const response = await imported.response('exportChat', { id: imported.report.conversations[0] ?? '', query: '?format=markdown' })
  assert.match(response.headers.get('content-disposition') ?? '', /^attachment; filename="Stones\.md"/)
  assert.equal(await response.text(), '# Stones\n\n## System\n\nBe kind.\n\n## You\n\nHello\n\n## llama3\n\nTwo\n')
})

test('a hostile file is refused with what is wrong with it, and harms nothing', async () => {
  await using server = await startScripted()
  const { response, call } = createChatClient(server.url)
  const refused = async (body: string | Uint8Array<ArrayBuffer>) => {
    const answer = await response('importChats', { body })
    const { error } = (await answer.json()) as { error: { code: string; message: string } }
    return `${answer.status} ${error.code}: ${error.message}`
  }
  assert.match(await refused('{"a":'), /^400 invalid_json: the file is not JSON/)
  assert.match(await refused(''), /^400 invalid_json/)
  assert.match(await refused('null'), /^400 invalid_request: the file is no export/)
  assert.match(await refused('['.repeat(100_000)), /^400 invalid_json: the file is nested more than 64/)
  assert.match(await refused(new Uint8Array([0x50, 0x4b, 3, 4, 0])), /^400 invalid_request: the file is a ZIP/)
  assert.match(await refused(new Uint8Array([0xff, 0xfe, 0x00])), /^400 invalid_json: the file is not valid UTF-8/)
  assert.match(await refused('{"outpost":"chats","version":2}'), /^400 invalid_request: the export is of a newer/)
  assert.match(await refused('{"outpost":"chats","version":1,"conversations":{}}'), /^400 invalid_request/)
  assert.equal((await call('chats', {})).conversations.length, 0)
})

test('of a file with good and bad conversations the good ones are taken whole, and the bad ones not at all', async () => {
  const node = (id: string, parentId: string | null, more: object = {}) => ({ [id]: { id, parentId, role: 'user', content: id, ...more } })
  const chat = (id: string, messages: object) => ({ id, title: id, chat: { history: { messages, currentId: null } } })
  await using imported = await withImport([
    chat('circle', { ...node('a', 'b'), ...node('b', 'a') }),
    chat('orphan', { ...node('a', null), ...node('b', 'nowhere') }),
    chat('twice', { x: { id: 'a', parentId: null, role: 'user', content: '1' }, y: { id: 'a', parentId: null, role: 'user', content: '2' } }),
    chat('role', node('a', null, { role: 'wizard' })),
    chat('id', node('a', null, { id: '../../etc' })),
    chat('empty', {}),
    chat('list', { a: 7 }),
    'text',
    null,
    { __proto__: { polluted: true }, chat: { history: { messages: null } } },
    chat('huge', { ...node('a', null, { content: 'x'.repeat(4_000_001) }) }),
    chat('good', { ...node('a', null, { content: { toString: 'no' }, timestamp: 'never' }), ...node('b', 'a', { timestamp: -1e300 }) })
  ])
  const { report } = imported
  assert.deepEqual([report.added, report.refusedCount], [1, 11])
  assert.deepEqual(
    report.refused.map(({ index, title, reason }) => `${index} ${title}: ${reason}`),
    [
      '0 circle: its messages follow each other in a circle',
      '1 orphan: a message follows "nowhere", which is not in the file',
      '2 twice: two messages have the same id',
      '3 role: a message has a role that is neither user, assistant nor system',
      '4 id: a message has no id, or one with unusual characters',
      '5 empty: it has no messages',
      '6 list: a message is no object',
      '7 : it is no conversation of this format',
      '8 : it is no conversation of this format',
      '9 : it has no history of messages',
      '10 huge: a message is longer than 4000000 characters'
    ]
  )
  assert.deepEqual(
    (await imported.call('chats', {})).conversations.map(({ title }) => title),
    ['good']
  )
})
