import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type {
  ChatMessage,
  Conversation,
  ConversationChange,
  MessageEdit,
  NewContent,
  NewConversation,
  NewMessage,
  NewPreset,
  PresetChange
} from '#contracts/chats.ts'
import type { BranchQuery, ChatsQuery, chatEndpoints, ExportQuery } from '#contracts/chats-api.ts'
import { AppError } from '../../errors.ts'
import type { StoredChat } from '../services.ts'
import { compareAnswers, followAnswer, generateAnswer, stopAnswer } from './chat-answers.ts'
import { importChats, sendAttachment, uploadAttachment } from './chat-files.ts'
import type { RouteContext } from './context.ts'

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown

/** Characters of the first words that a conversation is called by until it gets a name. */
const titleLength = 60

/** The console's chat: the table of `contracts/chats-api.ts`. Bodies, queries and parameters were parsed by the routes' schemas. */
export function chatHandlers(context: RouteContext): Record<keyof typeof chatEndpoints, Handler> {
  const { chats, messages, folders, presets, attachments, generations, exports } = context.services.chats
  const paramsOf = (request: FastifyRequest) => request.params as { id: string; message: string }
  const idOf = (request: FastifyRequest) => paramsOf(request).id
  const chatOf = (request: FastifyRequest) => chats.find(request.client.id, idOf(request))
  const again = (chat: StoredChat): Conversation => chats.byNumber(chat.number).conversation
  const folderOf = (request: FastifyRequest, id: string | null) => (id === null ? null : folders.numberOf(request.client.id, id))
  const branchOf = (chat: StoredChat, { limit, before, leaf }: z.output<typeof BranchQuery>) => {
    generations.flush()
    const end = before !== undefined ? messages.find(chat, before).parent : leaf !== undefined ? messages.find(chat, leaf).number : chat.active
    const branch = messages.branch(chat, end, limit)
    return { conversation: chat.conversation, messages: branch.messages.map(({ message }) => message), earlier: branch.earlier }
  }
  const write = (chat: StoredChat, message: Omit<Parameters<typeof messages.add>[1], 'content'> & { content: NewContent }) => {
    const content = partsOf(message.content)
    const sameId = message.id !== undefined && messages.has(chat, message.id) ? messages.find(chat, message.id) : undefined
    const written = sameId ?? messages.add(chat, { ...message, content })
    if (chat.conversation.title === '' && written.message.role === 'user' && sameId === undefined)
      chats.change(chat.owner, chat.conversation.id, { title: titleFrom(written.message) })
    return { conversation: again(chat), message: written.message }
  }

  return {
    chats(request) {
      const { folder: folderId, search, deleted, limit, after } = request.query as z.output<typeof ChatsQuery>
      const folder = folderId === undefined ? undefined : folderOf(request, folderId === 'none' ? null : folderId)
      if (search !== undefined && search.trim() !== '')
        return { conversations: chats.search(request.client.id, { query: search, folder, limit: Math.min(limit, mostFound) }), next: null }
      const page = chats.list(request.client.id, { folder, deleted, after, limit })
      return { conversations: page.conversations.map((listing) => ({ ...listing, matches: [] })), next: page.next }
    },
    createChat(request, reply) {
      const { title, folderId, settings } = request.body as NewConversation
      const { conversation } = chats.create(request.client.id, { title, folder: folderOf(request, folderId), settings })
      return reply.code(201).send({ conversation })
    },
    showChat: (request) => branchOf(chatOf(request), request.query as z.output<typeof BranchQuery>),
    chatTree: (request) => ({ nodes: messages.tree(chatOf(request)) }),
    changeChat(request) {
      const { folderId, ...change } = request.body as ConversationChange
      const folder = folderId === undefined ? {} : { folder: folderOf(request, folderId) }
      return { conversation: chats.change(request.client.id, idOf(request), { ...change, ...folder }).conversation }
    },
    async deleteChat(request) {
      const chat = chatOf(request)
      const { id, deletedAt } = chat.conversation
      // Nobody is to wait for what is not wanted any more.
      await generations.stop(chat, undefined)
      if (deletedAt === null) chats.change(request.client.id, id, { deletedAt: Date.now() })
      else chats.remove(request.client.id, id)
      return { deleted: true, id, forever: deletedAt !== null }
    },
    restoreChat: (request) => ({ conversation: chats.change(request.client.id, idOf(request), { deletedAt: null }).conversation }),

    writeMessage(request, reply) {
      const { id, parentId, role, content } = request.body as NewMessage
      const chat = toWrite(chatOf(request))
      const parent = parentId === undefined ? chat.active : parentId === null ? null : messages.find(chat, parentId).number
      return reply.code(201).send(write(chat, { id, parent, role, content }))
    },
    editMessage(request, reply) {
      const { id, content } = request.body as MessageEdit
      const chat = toWrite(chatOf(request))
      const { parent, message } = messages.find(chat, paramsOf(request).message)
      return reply.code(201).send(write(chat, { id, parent, role: message.role, content, model: message.model }))
    },
    voteMessage(request) {
      const { vote } = request.body as { vote: ChatMessage['vote'] }
      const { number } = messages.find(chatOf(request), paramsOf(request).message)
      messages.change(number, { vote })
      return { message: messages.byNumber(number).message }
    },
    chooseBranch(request) {
      const { messageId } = request.body as { messageId: string }
      const chat = toWrite(chatOf(request))
      messages.choose(chat, messages.find(chat, messageId).number)
      return branchOf(chats.byNumber(chat.number), { limit: 100 })
    },

    generateAnswer: (request, reply) => generateAnswer(context, request, reply, toWrite(chatOf(request))),
    compareAnswers: (request, reply) => compareAnswers(context, request, reply, toWrite(chatOf(request))),
    followAnswer: (request, reply) => followAnswer(context, request, reply, chatOf(request)),
    stopAnswer: (request) => stopAnswer(context, request, chatOf(request)),

    exportChat(request, reply) {
      const chat = chatOf(request)
      generations.flush()
      const { format } = request.query as z.output<typeof ExportQuery>
      const name = chat.conversation.title === '' ? 'conversation' : chat.conversation.title
      if (format === 'markdown') return asFile(reply, `${name}.md`, 'text/markdown; charset=utf-8').send(exports.toMarkdown(chat))
      const json = exports.toJson(request.client.id, [chat.conversation.id])
      return asFile(reply, `${name}.json`, 'application/json; charset=utf-8').send(Readable.from(json))
    },
    exportChats(request, reply) {
      generations.flush()
      const json = exports.toJson(request.client.id, chats.ids(request.client.id))
      return asFile(reply, 'outpost-chats.json', 'application/json; charset=utf-8').send(Readable.from(json))
    },
    importChats: (request) => importChats(context, request),

    chatFolders: (request) => ({ folders: folders.list(request.client.id) }),
    createChatFolder: (request, reply) =>
      reply.code(201).send({ folder: folders.create(request.client.id, (request.body as { name: string }).name) }),
    renameChatFolder: (request) => ({ folder: folders.rename(request.client.id, idOf(request), (request.body as { name: string }).name) }),
    removeChatFolder(request) {
      folders.remove(request.client.id, idOf(request))
      return { removed: true, id: idOf(request) }
    },

    chatPresets: (request) => ({ presets: presets.list(request.client.id) }),
    createChatPreset: (request, reply) => reply.code(201).send({ preset: presets.create(request.client.id, request.body as NewPreset) }),
    changeChatPreset: (request) => ({ preset: presets.change(request.client.id, idOf(request), request.body as PresetChange) }),
    removeChatPreset(request) {
      presets.remove(request.client.id, idOf(request))
      return { removed: true, id: idOf(request) }
    },

    uploadAttachment: (request, reply) => uploadAttachment(context, request, reply),
    attachment: (request, reply) => sendAttachment(context, request, reply),
    attachmentText(request) {
      const attachment = attachments.find(request.client.id, idOf(request))
      return { text: context.services.chats.textOf(request.client.id, attachment) }
    }
  }
}

const mostFound = 100

/** What is in the bin can be read, and is not gone on with. */
function toWrite(chat: StoredChat): StoredChat {
  if (chat.conversation.deletedAt !== null) throw new AppError('conflict', 'the conversation is in the bin: restore it first')
  return chat
}

function partsOf(content: NewContent): Exclude<NewContent, string> {
  const parts = (typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content).filter(
    (part) => part.type === 'attachment' || part.text !== ''
  )
  if (parts.length === 0 || parts.every((part) => part.type === 'text' && part.text.trim() === ''))
    throw new AppError('invalid_request', 'content must not be empty', { param: 'content' })
  return parts
}

/** The first words, or the name of what is attached. */
function titleFrom({ content }: ChatMessage): string {
  const [first] = content
  const words = (first?.type === 'text' ? first.text : (first?.attachment.name ?? '')).replace(/[\s\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim()
  const characters = [...words]
  if (characters.length <= titleLength) return words
  const cut = characters.slice(0, titleLength).join('')
  const space = cut.lastIndexOf(' ')
  return `${space > titleLength / 2 ? cut.slice(0, space) : cut}…`
}

/** To be saved, never shown: it holds what models wrote. */
export function asFile(reply: FastifyReply, name: string, type: string): FastifyReply {
  const plain = name.replace(/[^A-Za-z0-9 ._-]+/g, '_')
  return reply
    .header('content-type', type)
    .header('content-disposition', `attachment; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*]/g, escape)}`)
    .header('cache-control', 'private, no-store')
}
