import { type Attachment, type ChatMessage, type ChatPart, chatLimits, type MessageNode } from '#contracts/chats.ts'
import { AppError } from '../errors.ts'
import type { ChatAttachmentStore } from './chat-attachments.ts'
import { newId, nothingHere } from './chat-ids.ts'
import type { StoredChat } from './chats.ts'
import type { Database, Statement } from './database.ts'
import { ownerWord, toIndexText } from './search-words.ts'
import { contentText, parseContent, type StoredPart } from './stored-content.ts'

/** What a message says when it is written: text, and attachments of the same owner. */
export type WrittenPart = { type: 'text'; text: string } | { type: 'attachment'; id: string }

export type MessageToWrite = {
  id?: string | undefined
  /** Number of its parent; null: it begins the conversation. */
  parent: number | null
  role: ChatMessage['role']
  content: readonly WrittenPart[]
  /** False: the active branch stays where it is. */
  activate?: boolean
  createdAt?: number
} & Partial<MessageChange>

/** What of a message changes while it is written. */
export type MessageChange = Partial<
  Pick<
    ChatMessage,
    'state' | 'jobId' | 'seq' | 'model' | 'reasoning' | 'toolCalls' | 'usage' | 'timings' | 'contextWindow' | 'finishReason' | 'error' | 'vote'
  >
> & { text?: string }

export type StoredMessage = { number: number; parent: number | null; message: ChatMessage }

export type ChatMessageStore = {
  /** Throws `conflict` for an id that is taken, or when the conversation is full; `not_found` for an attachment that is not the owner's. */
  add(chat: StoredChat, message: MessageToWrite): StoredMessage
  /** Throws `not_found`. */
  find(chat: StoredChat, id: string): StoredMessage
  has(chat: StoredChat, id: string): boolean
  byNumber(number: number): StoredMessage
  /** The branch that ends at `leaf`, from there towards its beginning, in order of reading. */
  branch(chat: StoredChat, leaf: number | null, limit: number): { messages: StoredMessage[]; earlier: boolean }
  /** All of the tree, oldest first. */
  tree(chat: StoredChat): MessageNode[]
  /** All of the tree with what it says, one at a time, parents before children. */
  all(chat: StoredChat): Iterable<StoredMessage>
  /** Makes the branch through a message the active one, down to where it was read last. */
  choose(chat: StoredChat, number: number): void
  change(number: number, change: MessageChange): void
  /** Puts what it says into the search. What is being written is not there until its end. */
  index(number: number): void
  /** Takes back a message that nothing follows, as if it had never been. */
  takeBack(number: number): void
  /** Those that are being written, of one conversation or of all. */
  generating(chat?: StoredChat): { number: number; chat: number; id: string; jobId: string | null }[]
}

type Row = {
  number: number
  chat: number
  id: string
  parent: number | null
  parent_id: string | null
  role: ChatMessage['role']
  state: ChatMessage['state']
  model: string | null
  vote: ChatMessage['vote']
  job: string | null
  seq: number | null
  created_at: number
  context_window: number | null
  finish_reason: ChatMessage['finishReason']
  error: string | null
  usage: string | null
  timings: string | null
  tool_calls: string | null
  content: string
  reasoning: string | null
}
type NodeRow = Pick<Row, 'id' | 'parent_id' | 'role' | 'model' | 'state' | 'vote' | 'created_at'>

const asIs = (value: unknown) => value
/** Column of each thing that changes, and how it is written. */
const columns: Record<keyof MessageChange, { column: string; write: (value: never) => unknown }> = {
  state: { column: 'state', write: asIs },
  jobId: { column: 'job', write: asIs },
  seq: { column: 'seq', write: asIs },
  model: { column: 'model', write: asIs },
  reasoning: { column: 'reasoning', write: asIs },
  toolCalls: { column: 'tool_calls', write: (calls: unknown[]) => (calls.length === 0 ? null : JSON.stringify(calls)) },
  usage: { column: 'usage', write: toText },
  timings: { column: 'timings', write: toText },
  contextWindow: { column: 'context_window', write: asIs },
  finishReason: { column: 'finish_reason', write: asIs },
  error: { column: 'error', write: toText },
  vote: { column: 'vote', write: asIs },
  text: { column: 'content', write: (text: string) => JSON.stringify(text === '' ? [] : [{ type: 'text', text }]) }
}

export function createChatMessageStore(db: Database, attachments: ChatAttachmentStore): ChatMessageStore {
  const whole = 'm.*, (SELECT id FROM chat_messages WHERE number = m.parent) AS parent_id'
  const select = {
    one: db.prepare<[number, string], Row>(`SELECT ${whole} FROM chat_messages AS m WHERE chat = ? AND id = ?`),
    byNumber: db.prepare<[number], Row>(`SELECT ${whole} FROM chat_messages AS m WHERE number = ?`),
    has: db.prepare<[number, string], { number: number }>('SELECT number FROM chat_messages WHERE chat = ? AND id = ?'),
    numbers: db.prepare<[number], { number: number }>('SELECT number FROM chat_messages WHERE chat = ? ORDER BY number'),
    siblings: db.prepare<[number, number | null], { id: string }>('SELECT id FROM chat_messages WHERE chat = ? AND parent IS ? ORDER BY number'),
    hasChild: db.prepare<[number, number], { number: number }>('SELECT number FROM chat_messages WHERE chat = ? AND parent = ? LIMIT 1'),
    newest: db.prepare<[number, number | null], { number: number | null }>(
      'SELECT max(number) AS number FROM chat_messages WHERE chat = ? AND parent IS ?'
    ),
    tree: db.prepare<
      [number],
      NodeRow
    >(`SELECT m.id, role, model, state, vote, created_at, (SELECT id FROM chat_messages WHERE number = m.parent) AS parent_id
      FROM chat_messages AS m WHERE chat = ? ORDER BY number`),
    // Only numbers on the way up, so that no text is read for a message that is not shown.
    up: db.prepare<[number, number], { number: number }>(`WITH RECURSIVE up (number, parent, step) AS (
      SELECT number, parent, 1 FROM chat_messages WHERE number = ?
      UNION ALL SELECT m.number, m.parent, step + 1 FROM up JOIN chat_messages AS m ON m.number = up.parent
      LIMIT ?) SELECT number FROM up ORDER BY step DESC`),
    down: db.prepare<[number], { number: number }>(`WITH RECURSIVE down (number, child, step) AS (
      SELECT number, active_child, 1 FROM chat_messages WHERE number = ?
      UNION ALL SELECT m.number, m.active_child, step + 1 FROM down JOIN chat_messages AS m ON m.number = down.child)
      SELECT number FROM down ORDER BY step DESC LIMIT 1`),
    owner: db.prepare<[number], { owner: string }>('SELECT owner FROM chats WHERE number = ?'),
    active: db.prepare<[number], { active: number | null }>('SELECT active FROM chats WHERE number = ?'),
    generating: db.prepare<[], { number: number; chat: number; id: string; jobId: string | null }>(
      "SELECT number, chat, id, job AS jobId FROM chat_messages WHERE state = 'generating' ORDER BY number"
    ),
    generatingIn: db.prepare<[number], { number: number; chat: number; id: string; jobId: string | null }>(
      "SELECT number, chat, id, job AS jobId FROM chat_messages WHERE state = 'generating' AND chat = ? ORDER BY number"
    )
  }
  const insert = db.prepare('INSERT INTO chat_messages (chat, id, parent, role, state, created_at, content) VALUES (?, ?, ?, ?, ?, ?, ?)')
  const link = db.prepare('INSERT OR IGNORE INTO chat_message_attachments (message, attachment) SELECT ?, number FROM chat_attachments WHERE id = ?')
  const goOn = {
    child: db.prepare('UPDATE chat_messages SET active_child = ? WHERE number = ?'),
    firstChild: db.prepare('UPDATE chat_messages SET active_child = ? WHERE number = ? AND active_child IS NULL'),
    forget: db.prepare('UPDATE chat_messages SET active_child = NULL WHERE number = ? AND active_child = ?'),
    // Every message on the way up goes on with the one below it.
    path: db.prepare(`WITH RECURSIVE up (number, parent) AS (
      SELECT number, parent FROM chat_messages WHERE number = ?
      UNION ALL SELECT m.number, m.parent FROM up JOIN chat_messages AS m ON m.number = up.parent)
      UPDATE chat_messages SET active_child = up.number FROM up WHERE chat_messages.number = up.parent AND active_child IS NOT up.number`),
    root: db.prepare<[number], { number: number }>(`WITH RECURSIVE up (number, parent) AS (
      SELECT number, parent FROM chat_messages WHERE number = ?
      UNION ALL SELECT m.number, m.parent FROM up JOIN chat_messages AS m ON m.number = up.parent)
      SELECT number FROM up WHERE parent IS NULL`),
    leaf: db.prepare('UPDATE chats SET active = ?, active_root = ? WHERE number = ?')
  }
  const count = db.prepare('UPDATE chats SET messages = messages + ?, changed_at = max(changed_at, ?) WHERE number = ?')
  const words = {
    add: db.prepare('INSERT INTO chat_message_words (rowid, owner, text) VALUES (?, ?, ?)'),
    remove: db.prepare('DELETE FROM chat_message_words WHERE rowid = ?')
  }
  const remove = db.prepare('DELETE FROM chat_messages WHERE number = ?')
  const updates = new Map<string, Statement>()

  const fromRow = (row: Row, owner: string): StoredMessage => ({
    number: row.number,
    parent: row.parent,
    message: {
      id: row.id,
      parentId: row.parent_id,
      role: row.role,
      content: parseContent(row.content).map((part) => toPart(part, (id) => attachments.find(owner, id))),
      reasoning: row.reasoning,
      toolCalls: fromText<ChatMessage['toolCalls']>(row.tool_calls) ?? [],
      model: row.model,
      state: row.state,
      jobId: row.job,
      seq: row.seq,
      usage: fromText(row.usage),
      timings: fromText(row.timings),
      contextWindow: row.context_window,
      finishReason: row.finish_reason,
      error: fromText(row.error),
      vote: row.vote,
      createdAt: row.created_at,
      siblings: select.siblings.all(row.chat, row.parent).map(({ id }) => id)
    }
  })
  const ownerOf = (chat: number) => select.owner.get(chat)?.owner ?? ''
  const byNumber = (number: number): StoredMessage => {
    const row = select.byNumber.get(number)
    if (row === undefined) throw nothingHere('message', String(number))
    return fromRow(row, ownerOf(row.chat))
  }
  const change = (number: number, changes: MessageChange) => {
    const names = (Object.keys(changes) as (keyof MessageChange)[]).filter((name) => changes[name] !== undefined)
    if (names.length === 0) return
    const key = names.join()
    let update = updates.get(key)
    if (update === undefined) {
      update = db.prepare(`UPDATE chat_messages SET ${names.map((name) => `${columns[name].column} = ?`).join(', ')} WHERE number = ?`)
      updates.set(key, update)
    }
    // Each column's writer takes what that column holds.
    update.run(...names.map((name) => columns[name].write(changes[name] as never)), number)
  }
  const index = (number: number) => {
    const row = select.byNumber.get(number)
    if (row === undefined) return
    words.remove.run(number)
    const text = toIndexText(contentText(row.content))
    if (text !== '') words.add.run(number, ownerWord(ownerOf(row.chat)), text)
  }
  const choose = (chat: StoredChat, number: number) => {
    const root = goOn.root.get(number)?.number ?? number
    goOn.path.run(number)
    goOn.leaf.run(select.down.get(number)?.number ?? number, root, chat.number)
  }

  return {
    add: db.transaction((chat: StoredChat, { id = newId(), parent, role, content, activate = true, createdAt, ...changes }: MessageToWrite) => {
      if (chat.conversation.messages >= chatLimits.messages)
        throw new AppError('conflict', `the conversation has ${chatLimits.messages} messages, the most there may be: begin a new one`)
      if (select.has.get(chat.number, id) !== undefined)
        throw new AppError('conflict', `there is a message ${JSON.stringify(id)} in this conversation already`, { param: 'id' })
      const parts = content.map((part): StoredPart => {
        if (part.type === 'text') return part
        const { name } = attachments.find(chat.owner, part.id)
        return { type: 'attachment', id: part.id, name }
      })
      const at = createdAt ?? Date.now()
      const number = Number(insert.run(chat.number, id, parent, role, changes.state ?? 'complete', at, JSON.stringify(parts)).lastInsertRowid)
      for (const part of parts) if (part.type === 'attachment') link.run(number, part.id)
      change(number, changes)
      count.run(1, at, chat.number)
      if (!activate) {
        if (parent !== null) goOn.firstChild.run(number, parent)
      } else if (parent !== null && parent === chat.active) {
        goOn.child.run(number, parent)
        goOn.leaf.run(number, chat.activeRoot, chat.number)
      } else {
        choose(chat, number)
      }
      if (changes.state !== 'generating') index(number)
      return byNumber(number)
    }),
    find(chat, id) {
      const row = select.one.get(chat.number, id)
      if (row === undefined) throw nothingHere('message', id)
      return fromRow(row, chat.owner)
    },
    has: (chat, id) => select.has.get(chat.number, id) !== undefined,
    byNumber,
    branch(chat, leaf, limit) {
      const numbers = leaf === null ? [] : select.up.all(leaf, limit + 1).map(({ number }) => number)
      const earlier = numbers.length > limit
      const shown = earlier ? numbers.slice(1) : numbers
      return { messages: shown.map((number) => fromRow(select.byNumber.get(number) as Row, chat.owner)), earlier } // Just found.
    },
    tree: (chat) =>
      select.tree.all(chat.number).map(({ id, parent_id, role, model, state, vote, created_at }) => ({
        id,
        parentId: parent_id,
        role,
        model,
        state,
        vote,
        createdAt: created_at
      })),
    *all(chat) {
      for (const { number } of select.numbers.all(chat.number)) {
        const row = select.byNumber.get(number)
        if (row !== undefined) yield fromRow(row, chat.owner)
      }
    },
    choose: db.transaction(choose),
    change,
    index: db.transaction(index),
    takeBack: db.transaction((number: number) => {
      const row = select.byNumber.get(number)
      if (row === undefined || select.hasChild.get(row.chat, number) !== undefined) return
      words.remove.run(number)
      // What pointed to it goes on with its newest sibling, or ends.
      goOn.forget.run(row.parent, number)
      remove.run(number)
      count.run(-1, 0, row.chat)
      const sibling = select.newest.get(row.chat, row.parent)?.number ?? null
      if (row.parent !== null && sibling !== null) goOn.firstChild.run(sibling, row.parent)
      if (select.active.get(row.chat)?.active !== number) return
      const end = sibling === null ? row.parent : (select.down.get(sibling)?.number ?? sibling)
      goOn.leaf.run(end, end === null ? null : (goOn.root.get(end)?.number ?? end), row.chat)
    }),
    generating: (chat) => (chat === undefined ? select.generating.all() : select.generatingIn.all(chat.number))
  }
}

function toPart(part: StoredPart, find: (id: string) => Attachment): ChatPart {
  return part.type === 'text' ? part : { type: 'attachment', attachment: find(part.id) }
}

function toText(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value)
}

function fromText<Value>(text: string | null): Value | null {
  return text === null ? null : (JSON.parse(text) as Value) // Only this file writes these columns.
}
