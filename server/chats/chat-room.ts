import { type Attachment, chatLimits, type ImportReport } from '#contracts/chats.ts'
import { AppError } from '../errors.ts'
import type { Log } from '../log.ts'
import { type ChatAttachmentStore, createChatAttachmentStore } from '../store/chat-attachments.ts'
import { type ChatFolderStore, createChatFolderStore } from '../store/chat-folders.ts'
import { type ChatMessageStore, createChatMessageStore } from '../store/chat-messages.ts'
import { type ChatPresetStore, createChatPresetStore } from '../store/chat-presets.ts'
import { type ChatStore, createChatStore } from '../store/chats.ts'
import type { Database } from '../store/database.ts'
import { readAttachment, textOf } from './attachment-text.ts'
import { type ChatExports, createChatExports } from './export-chats.ts'
import { type ChatJobs, createGenerations, type Generations } from './generations.ts'
import { importChats } from './import/import-chats.ts'
import { createTaker } from './import/take-chat.ts'

/** Everything behind the console's chat. */
export type ChatRoom = {
  chats: ChatStore
  messages: ChatMessageStore
  folders: ChatFolderStore
  presets: ChatPresetStore
  attachments: ChatAttachmentStore
  generations: Generations
  exports: ChatExports
  /** Reads a file and keeps it. Throws `unsupported_media_type`, `invalid_request`, `conflict`. */
  attach(owner: string, file: { name: string; mediaType: string; data: Buffer }): Promise<Attachment>
  /** What a model reads of it. */
  textOf(owner: string, attachment: Attachment): string
  /** Takes in the export that lies there. Throws `conflict` while another one is taken in, and for a file that is no export. */
  import(owner: string, path: string): Promise<ImportReport>
  close(): void
}

const dayMs = 24 * 3600_000
const pruneEveryMs = 3600_000
/** Of one go, so that it is over in milliseconds. */
const mostPruned = 50

export function createChatRoom(options: { db: Database; jobs: ChatJobs; log: Log }): ChatRoom {
  const { db, jobs, log } = options
  const attachments = createChatAttachmentStore(db)
  const messages = createChatMessageStore(db, attachments)
  const chats = createChatStore(db)
  const folders = createChatFolderStore(db)
  const generations = createGenerations({ jobs, messages, attachments, log })

  const attach: ChatRoom['attach'] = async (owner, { name, mediaType, data }) => {
    if (data.length > chatLimits.attachmentBytes)
      throw new AppError('payload_too_large', `an attachment must have at most ${chatLimits.attachmentBytes} bytes, got ${data.length}`)
    const known = attachments.known(data)
    const file = known === undefined ? await readAttachment(data, mediaType) : { ...known, data, mediaType }
    return attachments.add(owner, { ...file, name })
  }
  const take = createTaker({ chats, messages, folders, attach })
  let importing = false

  const prune = () => {
    try {
      const now = Date.now()
      const gone = chats.purge(now - chatLimits.daysInBin * dayMs, mostPruned)
      const files = attachments.prune(now - dayMs, mostPruned)
      if (gone > 0 || files > 0) log.info({ conversations: gone, attachments: files }, 'emptied the bin of chats')
    } catch (error) {
      log.error({ err: error }, 'the bin of chats could not be emptied')
    }
  }
  const timer = setInterval(prune, pruneEveryMs).unref()
  prune()

  return {
    chats,
    messages,
    folders,
    presets: createChatPresetStore(db),
    attachments,
    generations,
    exports: createChatExports({ chats, messages, folders, attachments }),
    attach,
    textOf: (owner, attachment) => textOf(attachments, owner, attachment),
    async import(owner, path) {
      if (importing) throw new AppError('conflict', 'another import is under way: try again when it has ended')
      importing = true
      try {
        return await importChats(path, (chat) => take(owner, chat))
      } finally {
        importing = false
      }
    },
    close() {
      clearInterval(timer)
      generations.close()
    }
  }
}
