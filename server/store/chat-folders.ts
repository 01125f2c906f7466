import { type ChatFolder, chatLimits } from '#contracts/chats.ts'
import { AppError } from '../errors.ts'
import { newId, nothingHere } from './chat-ids.ts'
import type { Database } from './database.ts'

export type ChatFolderStore = {
  list(owner: string): ChatFolder[]
  /** Throws `conflict` when the name is taken or there are too many. */
  create(owner: string, name: string): ChatFolder
  /** Throws `not_found`, `conflict`. */
  rename(owner: string, id: string, name: string): ChatFolder
  /** Its conversations stay, in none. Throws `not_found`. */
  remove(owner: string, id: string): void
  /** Throws `not_found`. */
  numberOf(owner: string, id: string): number
  /** The number of the one of this name, made if it is not there. */
  ensure(owner: string, name: string): number
}

type Row = { number: number; id: string; name: string; created_at: number; conversations: number }

export function createChatFolderStore(db: Database): ChatFolderStore {
  const columns = `number, id, name, created_at,
    (SELECT count(*) FROM chats WHERE chats.owner = chat_folders.owner AND folder = chat_folders.number AND deleted_at IS NULL) AS conversations`
  const select = {
    all: db.prepare<[string], Row>(`SELECT ${columns} FROM chat_folders WHERE owner = ? ORDER BY name`),
    one: db.prepare<[string, string], Row>(`SELECT ${columns} FROM chat_folders WHERE owner = ? AND id = ?`),
    byName: db.prepare<[string, string], { number: number }>('SELECT number FROM chat_folders WHERE owner = ? AND name = ?'),
    count: db.prepare<[string], { count: number }>('SELECT count(*) AS count FROM chat_folders WHERE owner = ?')
  }
  const insert = db.prepare('INSERT INTO chat_folders (id, owner, name, created_at) VALUES (?, ?, ?, ?)')
  const rename = db.prepare('UPDATE chat_folders SET name = ? WHERE number = ?')
  const remove = db.prepare('DELETE FROM chat_folders WHERE number = ?')

  const find = (owner: string, id: string): Row => {
    const row = select.one.get(owner, id)
    if (row === undefined) throw nothingHere('folder', id)
    return row
  }
  const checkFree = (owner: string, name: string, own?: number) => {
    const taken = select.byName.get(owner, name)
    if (taken !== undefined && taken.number !== own)
      throw new AppError('conflict', `there is a folder ${JSON.stringify(name)} already`, { param: 'name' })
  }
  const create = (owner: string, name: string): ChatFolder => {
    checkFree(owner, name)
    if ((select.count.get(owner)?.count ?? 0) >= chatLimits.folders)
      throw new AppError('conflict', `there are ${chatLimits.folders} folders, the most there may be: remove one first`)
    const id = newId()
    insert.run(id, owner, name, Date.now())
    return fromRow(find(owner, id))
  }

  return {
    list: (owner) => select.all.all(owner).map(fromRow),
    create,
    rename(owner, id, name) {
      const { number } = find(owner, id)
      checkFree(owner, name, number)
      rename.run(name, number)
      return fromRow(find(owner, id))
    },
    remove: (owner, id) => void remove.run(find(owner, id).number),
    numberOf: (owner, id) => find(owner, id).number,
    ensure: (owner, name) => select.byName.get(owner, name)?.number ?? find(owner, create(owner, name).id).number
  }
}

function fromRow({ id, name, created_at, conversations }: Row): ChatFolder {
  return { id, name, createdAt: created_at, conversations }
}
