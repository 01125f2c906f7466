import { createHash } from 'node:crypto'
import { type Attachment, chatLimits } from '#contracts/chats.ts'
import { AppError } from '../errors.ts'
import { newId, nothingHere } from './chat-ids.ts'
import type { Database } from './database.ts'

/** A file and what was read from it. `text`: what a model gets, where that is not the bytes themselves. */
export type ReadFile = { kind: Attachment['kind']; characters: number | null; text: string | null; data: Buffer }

export type ChatAttachmentStore = {
  /** What is known of a file with these bytes, whoever sent it, so that it need not be read again. */
  known(data: Buffer): Omit<ReadFile, 'data'> | undefined
  /** Keeps it. The same file under the same name is the same attachment. Throws `conflict` when the owner has too much. */
  add(owner: string, file: ReadFile & { name: string; mediaType: string }): Attachment
  /** Throws `not_found`. */
  find(owner: string, id: string): Attachment
  /** Throws `not_found`. */
  data(owner: string, id: string): Buffer
  /** What was read from it; null: the bytes are the text, or it is an image. Throws `not_found`. */
  text(owner: string, id: string): string | null
  /** Deletes what no message has and is older than that, and contents that nobody has any more. At most so many; returns how many went. */
  prune(before: number, most: number): number
}

type Row = {
  id: string
  name: string
  media_type: string
  kind: Attachment['kind']
  bytes: number
  characters: number | null
  created_at: number
}

export function createChatAttachmentStore(db: Database): ChatAttachmentStore {
  const from = 'FROM chat_attachments AS a JOIN chat_files AS f ON f.number = a.file WHERE a.owner = ? AND a.id = ?'
  const select = {
    one: db.prepare<[string, string], Row>(`SELECT a.id, name, media_type, kind, bytes, characters, created_at ${from}`),
    data: db.prepare<[string, string], { data: Buffer }>(`SELECT data ${from}`),
    text: db.prepare<[string, string], { text: string | null }>(`SELECT text ${from}`),
    file: db.prepare<[Buffer], { number: number; kind: Attachment['kind']; characters: number | null }>(
      'SELECT number, kind, characters FROM chat_files WHERE digest = ?'
    ),
    fileText: db.prepare<[Buffer], { text: string | null }>('SELECT text FROM chat_files WHERE digest = ?'),
    same: db.prepare<[string, number, string, string], { id: string }>(
      'SELECT id FROM chat_attachments WHERE owner = ? AND file = ? AND name = ? AND media_type = ?'
    ),
    used: db.prepare<[string], { bytes: number }>(
      'SELECT coalesce(sum(bytes), 0) AS bytes FROM chat_files WHERE number IN (SELECT file FROM chat_attachments WHERE owner = ?)'
    )
  }
  const insertFile = db.prepare('INSERT INTO chat_files (digest, bytes, kind, characters, text, data) VALUES (?, ?, ?, ?, ?, ?)')
  const insert = db.prepare('INSERT INTO chat_attachments (id, owner, name, media_type, file, created_at) VALUES (?, ?, ?, ?, ?, ?)')
  const pruneAttachments = db.prepare(`DELETE FROM chat_attachments WHERE number IN (SELECT number FROM chat_attachments
    WHERE created_at < ? AND NOT EXISTS (SELECT 1 FROM chat_message_attachments WHERE attachment = chat_attachments.number) LIMIT ?)`)
  const pruneFiles = db.prepare(`DELETE FROM chat_files WHERE number IN (SELECT number FROM chat_files
    WHERE NOT EXISTS (SELECT 1 FROM chat_attachments WHERE file = chat_files.number) LIMIT ?)`)

  const got = <Found>(row: Found | undefined, id: string): Found => {
    if (row === undefined) throw nothingHere('attachment', id)
    return row
  }
  const find = (owner: string, id: string) => fromRow(got(select.one.get(owner, id), id))
  const add: ChatAttachmentStore['add'] = db.transaction((owner, { name, mediaType, kind, characters, text, data }) => {
    const digest = digestOf(data)
    const known = select.file.get(digest)
    const same = known === undefined ? undefined : select.same.get(owner, known.number, name, mediaType)
    if (same !== undefined) return find(owner, same.id)
    const used = select.used.get(owner)?.bytes ?? 0
    if (used + data.length > chatLimits.attachmentBytesOfOwner)
      throw new AppError(
        'conflict',
        `attachments take ${used} bytes, and with these ${data.length} they would be over the ${chatLimits.attachmentBytesOfOwner} there may be: delete conversations with attachments for ever`
      )
    const file = known?.number ?? insertFile.run(digest, data.length, kind, characters, text, data).lastInsertRowid
    const id = newId()
    insert.run(id, owner, name, mediaType, file, Date.now())
    return find(owner, id)
  })

  return {
    known(data) {
      const digest = digestOf(data)
      const file = select.file.get(digest)
      return file === undefined ? undefined : { kind: file.kind, characters: file.characters, text: select.fileText.get(digest)?.text ?? null }
    },
    add,
    find,
    data: (owner, id) => got(select.data.get(owner, id), id).data,
    text: (owner, id) => got(select.text.get(owner, id), id).text,
    prune: db.transaction((before: number, most: number) => {
      const { changes } = pruneAttachments.run(before, most)
      pruneFiles.run(most)
      return changes
    })
  }
}

function digestOf(data: Buffer): Buffer {
  return createHash('sha256').update(data).digest()
}

function fromRow({ id, name, media_type, kind, bytes, characters, created_at }: Row): Attachment {
  return { id, name, mediaType: media_type, kind, bytes, characters, createdAt: created_at }
}
