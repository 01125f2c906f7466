import type { Attachment } from '#contracts/chats.ts'
import { AppError } from '../../errors.ts'
import type { ChatFolderStore } from '../../store/chat-folders.ts'
import type { ChatMessageStore } from '../../store/chat-messages.ts'
import type { ChatStore, StoredChat } from '../../store/chats.ts'
import type { TakenChat } from './import-chats.ts'
import type { ImportedChat, ImportedMessage } from './imported-chat.ts'

/**
 * Writes an imported conversation, all of it or nothing. One that is here by its origin gets the messages it has not yet, so that a second import of
 * the same file changes nothing, and a later export of the same conversation goes on with it.
 */
export function createTaker(options: {
  chats: ChatStore
  messages: ChatMessageStore
  folders: ChatFolderStore
  attach(owner: string, file: { name: string; mediaType: string; data: Buffer }): Promise<Attachment>
}): (owner: string, chat: ImportedChat) => Promise<TakenChat> {
  const { chats, messages, folders } = options

  const known = (owner: string, origin: string): StoredChat | undefined => chats.byOrigin(owner, origin) ?? ownExport(owner, origin)
  /** Exported from here, and still here. */
  const ownExport = (owner: string, origin: string): StoredChat | undefined => {
    if (!origin.startsWith('outpost:')) return undefined
    try {
      return chats.find(owner, origin.slice('outpost:'.length))
    } catch (error) {
      if (error instanceof AppError && error.code === 'not_found') return undefined
      throw error
    }
  }

  const create = (owner: string, chat: ImportedChat): StoredChat => {
    const createdAt = chat.createdAt ?? chat.messages.find((message) => message.createdAt !== null)?.createdAt ?? Date.now()
    return chats.create(owner, {
      title: chat.title,
      folder: chat.folder === null || chat.folder.trim() === '' ? null : folders.ensure(owner, chat.folder.trim().slice(0, 200)),
      pinned: chat.pinned,
      settings: chat.settings,
      origin: chat.origin,
      createdAt: Math.round(createdAt),
      changedAt: Math.round(chat.changedAt ?? createdAt)
    })
  }

  const add = (chat: StoredChat, fresh: readonly ImportedMessage[], files: ReadonlyMap<number, Attachment>) => {
    const numbers = new Map<string, number>()
    const numberOf = (id: string) => numbers.get(id) ?? messages.find(chat, id).number
    let count = chat.conversation.messages
    for (const { id, parentId, role, text, attachments, createdAt, reasoning, toolCalls, usage, timings, vote, model } of fresh) {
      const { number } = messages.add(
        { ...chat, conversation: { ...chat.conversation, messages: count++ } },
        {
          id,
          parent: parentId === null ? null : numberOf(parentId),
          role,
          content: [
            ...(text === '' ? [] : [{ type: 'text' as const, text }]),
            ...attachments.flatMap((index) => {
              const file = files.get(index)
              return file === undefined ? [] : [{ type: 'attachment' as const, id: file.id }]
            })
          ],
          activate: false,
          createdAt: Math.round(createdAt ?? chat.conversation.createdAt),
          model,
          ...(reasoning === undefined ? {} : { reasoning }),
          ...(toolCalls === undefined ? {} : { toolCalls }),
          ...(usage === undefined ? {} : { usage }),
          ...(timings === undefined ? {} : { timings }),
          ...(vote === undefined ? {} : { vote })
        }
      )
      numbers.set(id, number)
    }
    return numberOf
  }

  return async (owner, chat) => {
    const before = known(owner, chat.origin)
    const isFresh = ({ id }: ImportedMessage) => before === undefined || !messages.has(before, id)
    const fresh = chat.messages.filter(isFresh)
    const inBin = before !== undefined && before.conversation.deletedAt !== null
    if (before !== undefined && fresh.length === 0 && !inBin) return { id: before.conversation.id, outcome: 'unchanged', notes: [] }

    const notes: string[] = []
    const files = new Map<number, Attachment>()
    for (const index of new Set(fresh.flatMap(({ attachments }) => attachments))) {
      const file = chat.attachments[index]
      if (file === undefined) continue
      try {
        files.set(index, await options.attach(owner, { name: file.name, mediaType: file.mediaType, data: Buffer.from(file.data, 'base64') }))
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        notes.push(`the attachment ${JSON.stringify(file.name.slice(0, 80))} was left out: ${error.message}`)
      }
    }

    return chats.together((): TakenChat => {
      // Looked for again: reading attachments took time.
      const existing = known(owner, chat.origin)
      const stored = existing ?? create(owner, chat)
      const numberOf = add(
        stored,
        fresh.filter(({ id }) => existing === undefined || !messages.has(existing, id)),
        files
      )
      if (inBin) {
        chats.change(owner, stored.conversation.id, { deletedAt: null })
        notes.push('it was in the bin and is back')
      }
      const end = chat.activeId !== null && messages.has(stored, chat.activeId) ? chat.activeId : chat.messages.at(-1)?.id
      if (end !== undefined && fresh.length > 0) messages.choose(chats.byNumber(stored.number), numberOf(end))
      return { id: stored.conversation.id, outcome: existing === undefined ? 'added' : 'extended', notes }
    })
  }
}
