import { type ChatPreset, type ChatSettings, chatLimits } from '#contracts/chats.ts'
import { AppError } from '../errors.ts'
import { newId, nothingHere } from './chat-ids.ts'
import type { Database } from './database.ts'

export type ChatPresetStore = {
  list(owner: string): ChatPreset[]
  /** Throws `conflict` when the name is taken or there are too many. */
  create(owner: string, preset: { name: string; settings: ChatSettings }): ChatPreset
  /** Throws `not_found`, `conflict`. */
  change(owner: string, id: string, change: { name?: string | undefined; settings?: ChatSettings | undefined }): ChatPreset
  /** Throws `not_found`. */
  remove(owner: string, id: string): void
}

type Row = { id: string; name: string; settings: string; created_at: number; changed_at: number }

export function createChatPresetStore(db: Database): ChatPresetStore {
  const all = db.prepare<[string], Row>('SELECT * FROM chat_presets WHERE owner = ? ORDER BY name')
  const one = db.prepare<[string, string], Row>('SELECT * FROM chat_presets WHERE owner = ? AND id = ?')
  const insert = db.prepare('INSERT INTO chat_presets (id, owner, name, settings, created_at, changed_at) VALUES (?, ?, ?, ?, ?, ?)')
  const update = db.prepare('UPDATE chat_presets SET name = ?, settings = ?, changed_at = ? WHERE id = ?')
  const remove = db.prepare('DELETE FROM chat_presets WHERE owner = ? AND id = ?')

  const find = (owner: string, id: string): ChatPreset => {
    const row = one.get(owner, id)
    if (row === undefined) throw nothingHere('preset', id)
    return fromRow(row)
  }
  const checkFree = (owner: string, name: string, own?: string) => {
    if (all.all(owner).some((row) => row.name === name && row.id !== own))
      throw new AppError('conflict', `there is a preset ${JSON.stringify(name)} already`, { param: 'name' })
  }

  return {
    list: (owner) => all.all(owner).map(fromRow),
    create(owner, { name, settings }) {
      checkFree(owner, name)
      if (all.all(owner).length >= chatLimits.presets)
        throw new AppError('conflict', `there are ${chatLimits.presets} presets, the most there may be: remove one first`)
      const id = newId()
      const now = Date.now()
      insert.run(id, owner, name, JSON.stringify(settings), now, now)
      return find(owner, id)
    },
    change(owner, id, change) {
      const { name, settings } = find(owner, id)
      if (change.name !== undefined) checkFree(owner, change.name, id)
      update.run(change.name ?? name, JSON.stringify(change.settings ?? settings), Date.now(), id)
      return find(owner, id)
    },
    remove(owner, id) {
      if (remove.run(owner, id).changes === 0) throw nothingHere('preset', id)
    }
  }
}

function fromRow({ id, name, settings, created_at, changed_at }: Row): ChatPreset {
  return { id, name, settings: JSON.parse(settings) as ChatSettings, createdAt: created_at, changedAt: changed_at } // Only this file writes there.
}
