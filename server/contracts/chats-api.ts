import { z } from 'zod'
import {
  Attachment,
  ChatFolder,
  ChatMessage,
  ChatPreset,
  CompareOrder,
  Conversation,
  ConversationChange,
  ConversationListing,
  chatLimits,
  GenerateOrder,
  ImportReport,
  MessageEdit,
  MessageNode,
  NewConversation,
  NewFolder,
  NewMessage,
  NewPreset,
  PresetChange,
  SearchMatch
} from './chats.ts'
import { type Endpoint, everyone, idParams, pageSize } from './endpoint.ts'

const messageId = z.string().min(1).max(128)
const messageParams = z.object({ id: idParams.shape.id, message: messageId })
const flag = z.enum(['true', 'false']).transform((value) => value === 'true')

export const ChatsQuery = z.object({
  /** Id of a folder, or `none`: those in no folder. All where it is left out. */
  folder: z.string().min(1).max(128).optional(),
  /** Words of titles and messages; the last one may be a beginning. */
  search: z.string().max(500).optional(),
  /** What is in the bin instead. */
  deleted: flag.default(false),
  limit: pageSize.default(50),
  /** `next` of the page before. */
  after: z
    .string()
    .regex(/^[01]\.\d{1,16}\.\d{1,16}$/, 'must be the next of a page')
    .optional()
})

/** A page of a branch, read from its end: the newest messages where `before` is left out. */
export const BranchQuery = z.object({
  limit: pageSize.default(100),
  /** Messages before this one. */
  before: messageId.optional(),
  /** The branch that ends here instead of the active one. */
  leaf: messageId.optional()
})
export const FollowQuery = z.object({
  /** The newest that is being written, where it is left out. */
  message: messageId.optional()
})
export const ExportQuery = z.object({ format: z.enum(['markdown', 'json']).default('json') })
export const UploadQuery = z.object({ name: z.string().min(1).max(255) })

const ConversationReply = z.object({ conversation: Conversation })
/** `messages`: oldest first. `earlier`: there are more before them. */
const BranchReply = ConversationReply.extend({ messages: z.array(ChatMessage), earlier: z.boolean() })
/** The conversation as it is now, and what was written. */
const WrittenReply = ConversationReply.extend({ message: ChatMessage })
const FolderReply = z.object({ folder: ChatFolder })
const PresetReply = z.object({ preset: ChatPreset })
const RemovedReply = z.object({ removed: z.literal(true), id: z.string() })

/** The console's chat: conversations, each of one client and seen by no other, administrators included. */
export const chatEndpoints = {
  chats: {
    method: 'GET',
    path: '/outpost/chats',
    summary: 'Own conversations, pinned ones first, then the newest; or those a search finds',
    roles: everyone,
    query: ChatsQuery,
    reply: z.object({
      conversations: z.array(ConversationListing.extend({ matches: z.array(SearchMatch) })),
      /** For `after`; null: this was the last page. A search has one page. */
      next: z.string().nullable()
    })
  },
  createChat: {
    method: 'POST',
    path: '/outpost/chats',
    summary: 'Begin a conversation',
    roles: everyone,
    body: NewConversation,
    status: 201,
    reply: ConversationReply
  },
  showChat: {
    method: 'GET',
    path: '/outpost/chats/:id',
    summary: 'A conversation with a page of its active branch, or of another one',
    roles: everyone,
    params: idParams,
    query: BranchQuery,
    reply: BranchReply
  },
  chatTree: {
    method: 'GET',
    path: '/outpost/chats/:id/tree',
    summary: 'Every message of all branches without what it says, oldest first',
    roles: everyone,
    params: idParams,
    reply: z.object({ nodes: z.array(MessageNode) })
  },
  changeChat: {
    method: 'POST',
    path: '/outpost/chats/:id',
    summary: 'Rename, move, pin, or settle how it is answered',
    roles: everyone,
    params: idParams,
    body: ConversationChange,
    reply: ConversationReply
  },
  deleteChat: {
    method: 'DELETE',
    path: '/outpost/chats/:id',
    summary: `Put in the bin for ${chatLimits.daysInBin} days; what is there already goes for ever`,
    roles: everyone,
    params: idParams,
    reply: z.object({ deleted: z.literal(true), id: z.string(), forever: z.boolean() })
  },
  restoreChat: {
    method: 'POST',
    path: '/outpost/chats/:id/restore',
    summary: 'Take back out of the bin',
    roles: everyone,
    params: idParams,
    reply: ConversationReply
  },
  writeMessage: {
    method: 'POST',
    path: '/outpost/chats/:id/messages',
    summary: 'Say something; the branch that it ends becomes the active one',
    roles: everyone,
    params: idParams,
    body: NewMessage,
    status: 201,
    reply: WrittenReply
  },
  editMessage: {
    method: 'POST',
    path: '/outpost/chats/:id/messages/:message/edit',
    summary: 'Say it otherwise, beside the old one: a new branch',
    roles: everyone,
    params: messageParams,
    body: MessageEdit,
    status: 201,
    reply: WrittenReply
  },
  voteMessage: {
    method: 'POST',
    path: '/outpost/chats/:id/messages/:message/vote',
    summary: 'Keep what was thought of an answer',
    roles: everyone,
    params: messageParams,
    body: z.object({ vote: ChatMessage.shape.vote }),
    reply: z.object({ message: ChatMessage })
  },
  chooseBranch: {
    method: 'POST',
    path: '/outpost/chats/:id/branch',
    summary: 'Make the branch through a message the active one, to where it was read last',
    roles: everyone,
    params: idParams,
    body: z.object({ messageId }),
    reply: BranchReply
  },
  generateAnswer: {
    method: 'POST',
    path: '/outpost/chats/:id/generate',
    summary: 'Have a message answered, or answered anew; the answer is kept whether or not it is read',
    roles: everyone,
    params: idParams,
    body: GenerateOrder,
    reply: 'events'
  },
  compareAnswers: {
    method: 'POST',
    path: '/outpost/chats/:id/compare',
    summary: 'Have a message answered by two or three models at once; follow each by its message',
    roles: everyone,
    params: idParams,
    body: CompareOrder,
    status: 202,
    reply: ConversationReply.extend({ messages: z.array(ChatMessage) })
  },
  followAnswer: {
    method: 'GET',
    path: '/outpost/chats/:id/generate/events',
    summary: 'Go on reading an answer after the header Last-Event-ID',
    roles: everyone,
    params: idParams,
    query: FollowQuery,
    reply: 'events'
  },
  stopAnswer: {
    method: 'POST',
    path: '/outpost/chats/:id/stop',
    summary: 'Stop writing an answer, or all of this conversation; what came is kept',
    roles: everyone,
    params: idParams,
    body: z.object({ messageId: messageId.optional() }),
    reply: z.object({ stopped: z.int() })
  },
  exportChat: {
    method: 'GET',
    path: '/outpost/chats/:id/export',
    summary: 'The active branch as Markdown, or all of it as JSON with its attachments',
    roles: everyone,
    params: idParams,
    query: ExportQuery,
    reply: 'bytes'
  },
  exportChats: {
    method: 'GET',
    path: '/outpost/chat-export',
    summary: 'Every own conversation as JSON, with attachments',
    roles: everyone,
    reply: 'bytes'
  },
  importChats: {
    method: 'POST',
    path: '/outpost/chat-import',
    summary: 'Take in conversations of an export: our own, of Open WebUI, ChatGPT or LM Studio. Again changes nothing',
    roles: everyone,
    body: 'bytes',
    bodyLimit: chatLimits.importBytes,
    reply: ImportReport
  },
  chatFolders: {
    method: 'GET',
    path: '/outpost/chat-folders',
    summary: 'Own folders by name',
    roles: everyone,
    reply: z.object({ folders: z.array(ChatFolder) })
  },
  createChatFolder: {
    method: 'POST',
    path: '/outpost/chat-folders',
    summary: 'Make a folder',
    roles: everyone,
    body: NewFolder,
    status: 201,
    reply: FolderReply
  },
  renameChatFolder: {
    method: 'POST',
    path: '/outpost/chat-folders/:id',
    summary: 'Rename a folder',
    roles: everyone,
    params: idParams,
    body: NewFolder,
    reply: FolderReply
  },
  removeChatFolder: {
    method: 'DELETE',
    path: '/outpost/chat-folders/:id',
    summary: 'Remove a folder; its conversations stay, in none',
    roles: everyone,
    params: idParams,
    reply: RemovedReply
  },
  chatPresets: {
    method: 'GET',
    path: '/outpost/chat-presets',
    summary: 'Own presets by name',
    roles: everyone,
    reply: z.object({ presets: z.array(ChatPreset) })
  },
  createChatPreset: {
    method: 'POST',
    path: '/outpost/chat-presets',
    summary: 'Keep a model, system prompt and settings under a name',
    roles: everyone,
    body: NewPreset,
    status: 201,
    reply: PresetReply
  },
  changeChatPreset: {
    method: 'POST',
    path: '/outpost/chat-presets/:id',
    summary: 'Change a preset',
    roles: everyone,
    params: idParams,
    body: PresetChange,
    reply: PresetReply
  },
  removeChatPreset: {
    method: 'DELETE',
    path: '/outpost/chat-presets/:id',
    summary: 'Remove a preset',
    roles: everyone,
    params: idParams,
    reply: RemovedReply
  },
  uploadAttachment: {
    method: 'POST',
    path: '/outpost/attachments',
    summary: 'Send a file to be attached to messages: text, PDF or image, with its media type as content-type',
    roles: everyone,
    query: UploadQuery,
    body: 'bytes',
    bodyLimit: chatLimits.attachmentBytes,
    status: 201,
    reply: z.object({ attachment: Attachment })
  },
  attachment: {
    method: 'GET',
    path: '/outpost/attachments/:id',
    summary: 'The file as it was sent',
    roles: everyone,
    params: idParams,
    reply: 'bytes'
  },
  attachmentText: {
    method: 'GET',
    path: '/outpost/attachments/:id/text',
    summary: 'What a model reads of it; empty for images',
    roles: everyone,
    params: idParams,
    reply: z.object({ text: z.string() })
  }
} as const satisfies Record<string, Endpoint>
