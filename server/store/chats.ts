import { type ChatSettings, type Conversation, type ConversationListing, chatLimits, type SearchMatch } from '#contracts/chats.ts'
import { AppError } from '../errors.ts'
import { newId, nothingHere } from './chat-ids.ts'
import { createChatSearch } from './chat-search.ts'
import type { Database } from './database.ts'
import { ownerWord, toIndexText } from './search-words.ts'

/** A conversation's row. `active`, `activeRoot`: numbers of the messages where the active branch ends and begins. */
export type StoredChat = {
  number: number
  owner: string
  folder: number | null
  active: number | null
  activeRoot: number | null
  conversation: Conversation
}

export type NewChat = {
  title: string
  folder: number | null
  settings: ChatSettings
  pinned?: boolean
  origin?: string
  createdAt?: number
  changedAt?: number
}

export type ChatChange = {
  title?: string | undefined
  folder?: number | null | undefined
  pinned?: boolean | undefined
  settings?: ChatSettings | undefined
  deletedAt?: number | null | undefined
}

export type FoundConversation = ConversationListing & { matches: SearchMatch[] }

export type ChatStore = {
  /** Throws `conflict` when there are too many. */
  create(owner: string, chat: NewChat): StoredChat
  /** In the bin or not. Throws `not_found` for what belongs to somebody else as well. */
  find(owner: string, id: string): StoredChat
  byNumber(number: number): StoredChat
  byOrigin(owner: string, origin: string): StoredChat | undefined
  /** Pinned ones first, then the newest. `folder`: null: those in none; undefined: all. `deleted`: the bin instead, last deleted first. */
  list(
    owner: string,
    options: { folder?: number | null | undefined; deleted: boolean; after?: string | undefined; limit: number }
  ): { conversations: ConversationListing[]; next: string | null }
  /** What a search finds: by title first, then by the newest message. Not what is in the bin. */
  search(owner: string, options: { query: string; folder?: number | null | undefined; limit: number }): FoundConversation[]
  /** Throws `not_found`. */
  change(owner: string, id: string, change: ChatChange): StoredChat
  /** With all that was said in it. Throws `not_found`. */
  remove(owner: string, id: string): void
  /** Deletes what was put in the bin before that time, at most so many. Returns how many went. */
  purge(before: number, most: number): number
  /** Every id of an owner that is not in the bin, oldest first. */
  ids(owner: string): string[]
  /** All that `work` writes, or nothing. */
  together<Result>(work: () => Result): Result
}

export type ChatRow = {
  number: number
  id: string
  owner: string
  title: string
  folder: number | null
  folder_id: string | null
  pinned: number
  settings: string
  active: number | null
  active_root: number | null
  active_id: string | null
  messages: number
  created_at: number
  changed_at: number
  deleted_at: number | null
  generating: number
}

const listed = `chats.number, chats.id, owner, title, folder, pinned, messages, created_at, changed_at, deleted_at,
  (SELECT id FROM chat_folders WHERE number = folder) AS folder_id,
  EXISTS (SELECT 1 FROM chat_messages WHERE chat = chats.number AND state = 'generating') AS generating`
const whole = `${listed}, settings, active, active_root, (SELECT id FROM chat_messages WHERE number = active) AS active_id`

export function createChatStore(db: Database): ChatStore {
  const select = {
    one: db.prepare<[string, string], ChatRow>(`SELECT ${whole} FROM chats WHERE id = ? AND owner = ?`),
    byNumber: db.prepare<[number], ChatRow>(`SELECT ${whole} FROM chats WHERE number = ?`),
    byOrigin: db.prepare<[string, string], ChatRow>(`SELECT ${whole} FROM chats WHERE owner = ? AND origin = ?`),
    count: db.prepare<[string], { count: number }>('SELECT count(*) AS count FROM chats WHERE owner = ?'),
    ids: db.prepare<[string], { id: string }>('SELECT id FROM chats WHERE owner = ? AND deleted_at IS NULL ORDER BY number'),
    old: db.prepare<[number, number], { number: number }>('SELECT number FROM chats WHERE deleted_at < ? LIMIT ?')
  }
  const page = (where: string) =>
    db.prepare<Record<string, unknown>, ChatRow>(`SELECT ${listed} FROM chats WHERE owner = @owner AND ${where} LIMIT @limit`)
  const after = '(pinned, changed_at, number) < (@pinned, @time, @number) ORDER BY pinned DESC, changed_at DESC, number DESC'
  const pages = {
    all: page(`deleted_at IS NULL AND ${after}`),
    folder: page(`deleted_at IS NULL AND folder IS @folder AND ${after}`),
    bin: page('deleted_at IS NOT NULL AND (deleted_at, number) < (@time, @number) ORDER BY deleted_at DESC, number DESC')
  }
  const insert = db.prepare(
    'INSERT INTO chats (id, owner, title, folder, pinned, settings, origin, created_at, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)'
  )
  const words = {
    add: db.prepare('INSERT INTO chat_title_words (rowid, owner, text) VALUES (?, ?, ?)'),
    remove: db.prepare('DELETE FROM chat_title_words WHERE rowid = ?'),
    removeMessages: db.prepare('DELETE FROM chat_message_words WHERE rowid IN (SELECT number FROM chat_messages WHERE chat = ?)')
  }
  const removal = [
    // Children before parents would take a walk for each; with the links gone any order is right.
    db.prepare('UPDATE chat_messages SET parent = NULL WHERE chat = ? AND parent IS NOT NULL'),
    db.prepare('DELETE FROM chats WHERE number = ?')
  ]
  const update = {
    title: db.prepare('UPDATE chats SET title = ? WHERE number = ?'),
    folder: db.prepare('UPDATE chats SET folder = ? WHERE number = ?'),
    pinned: db.prepare('UPDATE chats SET pinned = ? WHERE number = ?'),
    settings: db.prepare('UPDATE chats SET settings = ? WHERE number = ?'),
    deletedAt: db.prepare('UPDATE chats SET deleted_at = ? WHERE number = ?')
  }
  const searchIn = createChatSearch(db)

  const find = (owner: string, id: string): StoredChat => {
    const row = select.one.get(id, owner)
    if (row === undefined) throw nothingHere('conversation', id)
    return fromRow(row)
  }
  const byNumber = (number: number): StoredChat => {
    const row = select.byNumber.get(number)
    if (row === undefined) throw nothingHere('conversation', String(number))
    return fromRow(row)
  }
  const setTitle = (number: number, owner: string, title: string) => {
    words.remove.run(number)
    words.add.run(number, ownerWord(owner), toIndexText(title))
  }
  const remove = (number: number) => {
    words.remove.run(number)
    words.removeMessages.run(number)
    for (const statement of removal) statement.run(number)
  }

  return {
    create: db.transaction((owner: string, chat: NewChat) => {
      if ((select.count.get(owner)?.count ?? 0) >= chatLimits.conversations)
        throw new AppError('conflict', `there are ${chatLimits.conversations} conversations, the most there may be: delete some for ever`)
      const createdAt = chat.createdAt ?? Date.now()
      const number = Number(
        insert.run(
          newId(),
          owner,
          chat.title,
          chat.folder,
          chat.pinned === true ? 1 : 0,
          JSON.stringify(chat.settings),
          chat.origin ?? null,
          createdAt,
          chat.changedAt ?? createdAt
        ).lastInsertRowid
      )
      setTitle(number, owner, chat.title)
      return byNumber(number)
    }),
    find,
    byNumber,
    byOrigin(owner, origin) {
      const row = select.byOrigin.get(owner, origin)
      return row === undefined ? undefined : fromRow(row)
    },
    list(owner, { folder, deleted, after, limit }) {
      const [pinned, time, number] = after?.split('.').map(Number) ?? [1, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]
      const statement = deleted ? pages.bin : folder === undefined ? pages.all : pages.folder
      const rows = statement.all({ owner, pinned, time, number, limit: limit + 1, ...(folder === undefined ? {} : { folder }) })
      const shown = rows.slice(0, limit)
      const last = rows.length > limit ? shown.at(-1) : undefined
      return {
        conversations: shown.map(toListing),
        next: last === undefined ? null : deleted ? `0.${last.deleted_at}.${last.number}` : `${last.pinned}.${last.changed_at}.${last.number}`
      }
    },
    search(owner, options) {
      return searchIn(owner, options).map(({ chat, matches }) => ({ ...toListing(select.byNumber.get(chat) as ChatRow), matches })) // Just found.
    },
    change: db.transaction((owner: string, id: string, change: ChatChange) => {
      const { number } = find(owner, id)
      if (change.title !== undefined) {
        update.title.run(change.title, number)
        setTitle(number, owner, change.title)
      }
      if (change.folder !== undefined) update.folder.run(change.folder, number)
      if (change.pinned !== undefined) update.pinned.run(change.pinned ? 1 : 0, number)
      if (change.settings !== undefined) update.settings.run(JSON.stringify(change.settings), number)
      if (change.deletedAt !== undefined) update.deletedAt.run(change.deletedAt, number)
      return byNumber(number)
    }),
    remove: db.transaction((owner: string, id: string) => remove(find(owner, id).number)),
    purge: db.transaction((before: number, most: number) => {
      const rows = select.old.all(before, most)
      for (const { number } of rows) remove(number)
      return rows.length
    }),
    ids: (owner) => select.ids.all(owner).map(({ id }) => id),
    together: (work) => db.transaction(work)()
  }
}

function toListing(row: ChatRow): ConversationListing {
  return {
    id: row.id,
    title: row.title,
    folderId: row.folder_id,
    pinned: row.pinned === 1,
    createdAt: row.created_at,
    changedAt: row.changed_at,
    deletedAt: row.deleted_at,
    messages: row.messages,
    generating: row.generating === 1
  }
}

function fromRow(row: ChatRow): StoredChat {
  return {
    number: row.number,
    owner: row.owner,
    folder: row.folder,
    active: row.active,
    activeRoot: row.active_root,
    // Only this file writes settings.
    conversation: { ...toListing(row), settings: JSON.parse(row.settings) as ChatSettings, activeId: row.active_id }
  }
}
