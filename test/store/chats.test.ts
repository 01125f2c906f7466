import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChatSettings } from '#contracts/chats.ts'
import { createChatAttachmentStore } from '../../server/store/chat-attachments.ts'
import { createChatMessageStore } from '../../server/store/chat-messages.ts'
import { createChatStore } from '../../server/store/chats.ts'
import { openDatabase } from '../../server/store/database.ts'

const settings = ChatSettings.parse({})

function stores() {
  const db = openDatabase(':memory:')
  const attachments = createChatAttachmentStore(db)
  const chats = createChatStore(db)
  const messages = createChatMessageStore(db, attachments)
  const begin = (title = '', owner = 'me') => chats.create(owner, { title, folder: null, settings })
  const say = (number: number, text: string, parent: number | null | undefined = undefined, activate = true) => {
    const chat = chats.byNumber(number)
    return messages.add(chat, { parent: parent === undefined ? chat.active : parent, role: 'user', content: [{ type: 'text', text }], activate })
  }
  const find = (query: string, owner = 'me') =>
    chats.search(owner, { query, limit: 10 }).map(({ title, matches }) => ({
      title,
      marked: matches.flatMap(({ text, marks }) => marks.map(([from, to]) => text.slice(from, to)))
    }))
  return { db, chats, messages, attachments, begin, say, find }
}

test('words are found without regard to case, accents and how letters are composed, and the last one by its beginning', () => {
  const { begin, say, find } = stores()
  say(begin('Grüße aus Łódź').number, 'Straßencafé “Ēnēas” in ŒUVRE')
  for (const query of ['grusse', 'GRÜSSE', 'lodz', 'gru']) assert.equal(find(query).length, 1, query)
  assert.deepEqual(find('strassencaf'), [{ title: 'Grüße aus Łódź', marked: ['Straßencafé'] }])
  assert.deepEqual(find('œuvre eneas')[0]?.marked, ['Ēnēas', 'ŒUVRE'])
  assert.deepEqual(find('strass '), [], 'a word that is ended is whole')
  assert.deepEqual(find('cafe'), [])
})

test('Chinese, Japanese, Thai and Korean are found by any characters in a row', () => {
  const { begin, say, find } = stores()
  say(begin('中文').number, '我们用机器学习分析季度数字。')
  say(begin('日本語').number, '東京タワーへ行きました')
  say(begin('ไทย').number, 'ภาษาไทยง่ายมาก')
  say(begin('한국어').number, '한국어를 공부합니다')
  assert.deepEqual(find('学习'), [{ title: '中文', marked: ['学习'] }])
  assert.deepEqual(find('季'), [{ title: '中文', marked: ['季'] }])
  assert.deepEqual(find('习学'), [])
  assert.deepEqual(find('タワー'), [{ title: '日本語', marked: ['タワー'] }])
  assert.deepEqual(find('ง่าย'), [{ title: 'ไทย', marked: ['ง่าย'] }])
  assert.deepEqual(find('한국'), [{ title: '한국어', marked: ['한국어', '한국어를'] }])
  assert.equal(find('공부').length, 1)
})

test('Arabic is found with and without vowels, lengthening and the forms of alef', () => {
  const { begin, say, find } = stores()
  say(begin('تقرير').number, 'قَرَأْتُ كِتَابًا عن الأرقام الفصليـــة')
  for (const query of ['كتابا', 'كِتابا', 'الارقام', 'الفصلية', 'قرات']) assert.equal(find(query).length, 1, query)
  assert.deepEqual(find('كتا')[0]?.marked, ['كِتَابًا'])
})

test('what looks like the syntax of a search is only text', () => {
  const { begin, say, find } = stores()
  say(begin('x').number, 'title: "quoted" NEAR (a OR b) * - ^ o6d65')
  for (const query of ['"', '*', 'OR', 'NEAR(', 'owner:me', "'; DROP TABLE chats", '^', '-a', 'a AND']) find(query)
  assert.equal(find('near quoted').length, 1)
  assert.deepEqual(find('owner'), [])
})

test('a search finds only what is one’s own, and forgets what is gone', () => {
  const { chats, begin, say, find } = stores()
  const { number, conversation } = begin('mine')
  say(number, 'needle')
  assert.equal(find('needle', 'other').length, 0)
  assert.equal(find('needle').length, 1)
  chats.change('me', conversation.id, { title: 'renamed' })
  assert.deepEqual([find('mine').length, find('renamed').length], [0, 1])
  chats.remove('me', conversation.id)
  assert.deepEqual([find('needle'), find('renamed')], [[], []])
})

test('a match deep in a long text is shown with what stands around it', () => {
  const { chats, begin, say } = stores()
  say(begin().number, `${'filler words '.repeat(3000)}the needle\nlies here ${'and on '.repeat(500)}`)
  const [found] = chats.search('me', { query: 'needle', limit: 5 })
  const [match] = found?.matches ?? []
  assert.ok(match !== undefined && match.text.length < 200)
  assert.match(match.text, /^….*the needle lies here/)
  assert.deepEqual(
    match.marks.map(([from, to]) => match.text.slice(from, to)),
    ['needle']
  )
})

test('choosing a message leads to where its branch was read last', () => {
  const { chats, messages, begin, say } = stores()
  const { number } = begin()
  const one = say(number, 'one')
  const two = say(number, 'two')
  const three = say(number, 'three')
  const other = say(number, 'two, otherwise', one.number)
  const deeper = say(number, 'deeper')
  const activeText = () => messages.branch(chats.byNumber(number), chats.byNumber(number).active, 99).messages.map(({ number }) => number)
  assert.deepEqual(activeText(), [one.number, other.number, deeper.number])
  messages.choose(chats.byNumber(number), two.number)
  assert.deepEqual(activeText(), [one.number, two.number, three.number])
  messages.choose(chats.byNumber(number), one.number)
  assert.deepEqual(activeText(), [one.number, two.number, three.number])
  messages.choose(chats.byNumber(number), other.number)
  assert.deepEqual(activeText(), [one.number, other.number, deeper.number])
})

test('a message that is taken back leaves everything as it was', () => {
  const { chats, messages, begin, say } = stores()
  const { number } = begin()
  const one = say(number, 'one')
  const two = say(number, 'two')
  const beside = say(number, 'beside', one.number, false)
  messages.takeBack(beside.number)
  assert.equal(chats.byNumber(number).active, two.number)
  const answer = say(number, 'answer')
  messages.takeBack(answer.number)
  const { active, conversation } = chats.byNumber(number)
  assert.deepEqual([active, conversation.messages], [two.number, 2])
  messages.takeBack(one.number)
  assert.equal(chats.byNumber(number).conversation.messages, 2, 'what is followed stays')
})

test('a conversation of 2,000 messages is read in pages that go together without a gap', () => {
  const { chats, messages, begin, say } = stores()
  const { number } = begin()
  for (let i = 0; i < 2000; i++) say(number, `message ${i}`)
  const chat = chats.byNumber(number)
  const read: number[] = []
  let end = chat.active
  for (;;) {
    const page = messages.branch(chat, end, 150)
    read.unshift(...page.messages.map((message) => message.number))
    end = page.messages[0]?.parent ?? null
    if (!page.earlier) break
  }
  assert.equal(read.length, 2000)
  assert.deepEqual(
    read,
    read.toSorted((a, b) => a - b)
  )
})

test('lists, searches and branches of ten thousand conversations are read by index, never as a whole', () => {
  const { db } = stores()
  const plans = [
    `SELECT number FROM chats WHERE owner = 'a' AND deleted_at IS NULL AND (pinned, changed_at, number) < (1, 5, 5)
      ORDER BY pinned DESC, changed_at DESC, number DESC LIMIT 50`,
    `SELECT number FROM chats WHERE owner = 'a' AND deleted_at IS NULL AND folder IS 3 AND (pinned, changed_at, number) < (1, 5, 5)
      ORDER BY pinned DESC, changed_at DESC, number DESC LIMIT 50`,
    `SELECT number FROM chats WHERE owner = 'a' AND deleted_at IS NOT NULL AND (deleted_at, number) < (5, 5) ORDER BY deleted_at DESC, number DESC LIMIT 50`,
    'SELECT id FROM chat_messages WHERE chat = 1 AND parent IS 5 ORDER BY number',
    "SELECT 1 FROM chat_messages WHERE chat = 1 AND state = 'generating'"
  ]
  for (const sql of plans) {
    const steps = db
      .prepare<[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map(({ detail }) => detail)
    assert.ok(
      steps.every((detail) => detail.startsWith('SEARCH')),
      `${sql}: ${steps.join('; ')}`
    )
  }
})

test('what was in the bin for too long goes, with its messages and the files that nobody has any more', () => {
  const { db, chats, messages, attachments, begin } = stores()
  const { number, conversation } = begin()
  const file = attachments.add('me', { name: 'a.txt', mediaType: 'text/plain', kind: 'text', characters: 1, text: null, data: Buffer.from('a') })
  const kept = attachments.add('you', { name: 'b.txt', mediaType: 'text/plain', kind: 'text', characters: 1, text: null, data: Buffer.from('a') })
  messages.add(chats.byNumber(number), { parent: null, role: 'user', content: [{ type: 'attachment', id: file.id }] })
  assert.equal(attachments.prune(Date.now() + 1, 10), 1, 'only what no message has')
  assert.throws(() => attachments.find('you', kept.id), { code: 'not_found' })
  chats.change('me', conversation.id, { deletedAt: 1000 })
  assert.equal(chats.purge(1000, 10), 0)
  assert.equal(chats.purge(1001, 10), 1)
  assert.equal(attachments.prune(Date.now() + 1, 10), 1)
  for (const table of ['chats', 'chat_messages', 'chat_message_attachments', 'chat_attachments', 'chat_files'])
    assert.deepEqual(db.prepare(`SELECT count(*) AS count FROM ${table}`).get(), { count: 0 }, table)
})

test('the same bytes are kept once, whoever sent them under whatever name', () => {
  const { db, attachments } = stores()
  const file = { mediaType: 'text/plain', kind: 'text', characters: 5, text: null, data: Buffer.from('hello') } as const
  const first = attachments.add('me', { ...file, name: 'a.txt' })
  assert.deepEqual(attachments.add('me', { ...file, name: 'a.txt' }), first)
  attachments.add('me', { ...file, name: 'b.txt' })
  attachments.add('you', { ...file, name: 'a.txt' })
  assert.deepEqual(db.prepare('SELECT count(*) AS count FROM chat_files').get(), { count: 1 })
})
