import type { ChatMessage } from '#contracts/chats.ts'
import type { ChatAttachmentStore } from '../store/chat-attachments.ts'
import type { ChatFolderStore } from '../store/chat-folders.ts'
import type { ChatMessageStore } from '../store/chat-messages.ts'
import type { ChatStore, StoredChat } from '../store/chats.ts'
import type { ExportedChat } from './import/outpost.ts'
import { plainText } from './prompt.ts'

export type ChatExports = {
  /** The active branch, to be read. */
  toMarkdown(chat: StoredChat): string
  /** Conversations with all branches and attachments, in pieces of one JSON document. */
  toJson(owner: string, ids: readonly string[]): Generator<string>
}

export function createChatExports(stores: {
  chats: ChatStore
  messages: ChatMessageStore
  folders: ChatFolderStore
  attachments: ChatAttachmentStore
}): ChatExports {
  const { chats, messages, folders, attachments } = stores

  const toExported = (chat: StoredChat): ExportedChat => {
    const { conversation, owner } = chat
    const files = new Map<string, number>()
    const exported = [...messages.all(chat)].map(({ message }) => {
      const attached = message.content.flatMap((part) => (part.type === 'attachment' ? [part.attachment.id] : []))
      for (const id of attached) if (!files.has(id)) files.set(id, files.size)
      const { id, parentId, role, reasoning, toolCalls, model, usage, timings, vote, createdAt } = message
      const indexes = attached.map((id) => files.get(id) ?? 0)
      return { id, parentId, role, text: plainText(message), attachments: indexes, reasoning, toolCalls, model, usage, timings, vote, createdAt }
    })
    return {
      id: conversation.id,
      title: conversation.title,
      folder: folders.list(owner).find(({ id }) => id === conversation.folderId)?.name ?? null,
      pinned: conversation.pinned,
      settings: conversation.settings,
      createdAt: conversation.createdAt,
      changedAt: conversation.changedAt,
      messages: exported,
      activeId: conversation.activeId,
      attachments: [...files.keys()].map((id) => {
        const { name, mediaType } = attachments.find(owner, id)
        return { name, mediaType, data: attachments.data(owner, id).toString('base64') }
      })
    }
  }

  return {
    toMarkdown(chat) {
      const { title, settings } = chat.conversation
      const branch = messages.branch(chat, chat.active, Number.MAX_SAFE_INTEGER).messages
      const system = settings.systemPrompt === '' ? [] : [`## System\n\n${settings.systemPrompt}`]
      return `${[`# ${title === '' ? 'Conversation' : title}`, ...system, ...branch.map(({ message }) => toSection(message))].join('\n\n')}\n`
    },
    *toJson(owner, ids) {
      yield '{"outpost":"chats","version":1,"conversations":['
      let first = true
      for (const id of ids) {
        yield `${first ? '' : ','}\n${JSON.stringify(toExported(chats.find(owner, id)))}`
        first = false
      }
      yield '\n]}\n'
    }
  }
}

function toSection(message: ChatMessage): string {
  const who = { user: 'You', assistant: message.model ?? 'Assistant', system: 'System' }[message.role]
  const files = message.content.flatMap((part) =>
    part.type === 'attachment' ? [`- Attached: ${part.attachment.name} (${part.attachment.bytes} bytes)`] : []
  )
  const state = message.state === 'complete' ? [] : [`*(${message.state})*`]
  return [`## ${who}`, plainText(message), files.join('\n'), ...state].filter((part) => part !== '').join('\n\n')
}
