import { z } from 'zod'
import { Generation, ToolCall } from './chat.ts'
import { ErrorCode } from './error.ts'
import { FinishReason, Usage } from './event.ts'

/** What the console's chat takes at most. Bytes are those of a file, characters those of a text. */
export const chatLimits = {
  title: 200,
  systemPrompt: 100_000,
  /** Characters of one message. */
  text: 4_000_000,
  /** Of one conversation, all branches together. */
  messages: 20_000,
  conversations: 100_000,
  folders: 1000,
  presets: 200,
  attachmentBytes: 20 * 2 ** 20,
  attachmentsOfMessage: 20,
  /** Of one owner, each file once. */
  attachmentBytesOfOwner: 2 * 2 ** 30,
  importBytes: 256 * 2 ** 20,
  /** Models side by side. */
  compared: 3,
  /** Conversations of one answer to a search. */
  found: 100,
  daysInBin: 30
} as const

/** Given by the server, or for messages by their writer. */
const id = z.string().regex(/^[A-Za-z0-9_.:-]{1,128}$/, 'must be 1–128 characters of A–Z a–z 0–9 _ . : -')
/** One line that people read: titles and names. */
const line = z
  .string()
  .trim()
  .max(chatLimits.title)
  .regex(/^[^\p{Cc}\u202a-\u202e\u2066-\u2069]*$/u, 'must not have control characters')
const name = line.min(1, 'must not be empty')
const { shape } = Generation

/** How to generate, as far as it differs from the server's own settings. */
export const ChatGeneration = z.object({
  temperature: shape.temperature.unwrap().optional(),
  topP: shape.topP.unwrap().optional(),
  topK: shape.topK.unwrap().optional(),
  minP: shape.minP.unwrap().optional(),
  maxTokens: shape.maxTokens,
  seed: shape.seed,
  stop: shape.stop.unwrap().optional(),
  frequencyPenalty: shape.frequencyPenalty.unwrap().optional(),
  presencePenalty: shape.presencePenalty.unwrap().optional(),
  repeatPenalty: shape.repeatPenalty.unwrap().optional(),
  extensions: shape.extensions.unwrap().optional()
})
export type ChatGeneration = z.infer<typeof ChatGeneration>

/** What a conversation is answered with, and what a preset keeps. */
export const ChatSettings = z.object({
  /** Id or alias; null: whoever asks says it each time. */
  model: z.string().min(1).max(256).nullable().default(null),
  systemPrompt: z.string().max(chatLimits.systemPrompt).default(''),
  generation: ChatGeneration.default({}),
  /** Split reasoning from the answer, where the model reasons. */
  reasoning: z.boolean().default(true)
})
export type ChatSettings = z.infer<typeof ChatSettings>

/** Times are Unix milliseconds, here and below. */
export const ChatFolder = z.object({ id: z.string(), name: z.string(), createdAt: z.int(), conversations: z.int() })
export type ChatFolder = z.infer<typeof ChatFolder>

export const ChatPreset = z.object({ id: z.string(), name: z.string(), settings: ChatSettings, createdAt: z.int(), changedAt: z.int() })
export type ChatPreset = z.infer<typeof ChatPreset>

export const ConversationListing = z.object({
  id: z.string(),
  /** Empty until something was said. */
  title: z.string(),
  folderId: z.string().nullable(),
  pinned: z.boolean(),
  createdAt: z.int(),
  /** When something was said last. */
  changedAt: z.int(),
  /** When it went to the bin; null: it is not there. */
  deletedAt: z.int().nullable(),
  /** Of all branches. */
  messages: z.int(),
  /** An answer is being written. */
  generating: z.boolean()
})
export type ConversationListing = z.infer<typeof ConversationListing>

/** A place in a conversation where words of a search stand. `marks` are `[start, end)` in `text`, in UTF-16 units as `slice` takes them. */
export const SearchMatch = z.object({
  /** Null: the title. */
  messageId: z.string().nullable(),
  text: z.string(),
  marks: z.array(z.tuple([z.int(), z.int()]))
})
export type SearchMatch = z.infer<typeof SearchMatch>

export const Conversation = ConversationListing.extend({
  settings: ChatSettings,
  /** Where the branch that is shown ends; null: it is empty. */
  activeId: z.string().nullable()
})
export type Conversation = z.infer<typeof Conversation>

/** `kind` says what a model gets of it: its text, the text of its pages, or the image. */
export const Attachment = z.object({
  id: z.string(),
  name: z.string(),
  mediaType: z.string(),
  kind: z.enum(['text', 'pdf', 'image']),
  bytes: z.int(),
  /** Characters of text a model gets; null for images. */
  characters: z.int().nullable(),
  createdAt: z.int()
})
export type Attachment = z.infer<typeof Attachment>

export const ChatPart = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('attachment'), attachment: Attachment })
])
export type ChatPart = z.infer<typeof ChatPart>

/**
 * `generating`: more may come. `stopped`: by its owner or an administrator. `interrupted`: the server or the process of the model ended; what had
 * come is kept. `failed`: `error` says why.
 */
export const MessageState = z.enum(['complete', 'generating', 'stopped', 'interrupted', 'failed'])
export type MessageState = z.infer<typeof MessageState>

/** How fast an answer came, milliseconds. What is not known is null. */
export const ChatTimings = z.object({
  /** From asking to the first token. */
  firstTokenMs: z.number().nullable(),
  promptMs: z.number().nullable(),
  generationMs: z.number().nullable(),
  tokensPerSecond: z.number().nullable(),
  /** From the first token of reasoning to the first of the answer. */
  reasoningMs: z.number().nullable()
})
export type ChatTimings = z.infer<typeof ChatTimings>

export const ChatMessage = z.object({
  id: z.string(),
  parentId: z.string().nullable(),
  role: z.enum(['system', 'user', 'assistant']),
  content: z.array(ChatPart),
  reasoning: z.string().nullable(),
  toolCalls: z.array(ToolCall),
  model: z.string().nullable(),
  state: MessageState,
  /** The job that writes it, or wrote it. */
  jobId: z.string().nullable(),
  /** While it is being written: the last event that is in it already, for `Last-Event-ID`. */
  seq: z.int().nullable(),
  usage: Usage.nullable(),
  timings: ChatTimings.nullable(),
  /** Tokens of the window its model had; what it used of them is prompt and completion. */
  contextWindow: z.int().nullable(),
  finishReason: FinishReason.nullable(),
  error: z.object({ code: ErrorCode, message: z.string() }).nullable(),
  /** What whoever compared answers thought of it. */
  vote: z.enum(['up', 'down']).nullable(),
  createdAt: z.int(),
  /** Every message with the same parent, itself included, oldest first: the branches here. */
  siblings: z.array(z.string())
})
export type ChatMessage = z.infer<typeof ChatMessage>

/** One message of a tree, without what it says. */
export const MessageNode = ChatMessage.pick({ id: true, parentId: true, role: true, model: true, state: true, vote: true, createdAt: true })
export type MessageNode = z.infer<typeof MessageNode>

/** What a message is made of when it is written. A string is one part of text. */
export const NewContent = z.union([
  z.string().max(chatLimits.text),
  z
    .array(
      z.discriminatedUnion('type', [
        z.object({ type: z.literal('text'), text: z.string().max(chatLimits.text) }),
        z.object({ type: z.literal('attachment'), id })
      ])
    )
    .max(chatLimits.attachmentsOfMessage * 2)
])
export type NewContent = z.infer<typeof NewContent>

export const NewMessage = z.object({
  /** Sent again with the same id, it is the same message: nothing is said twice because an answer was lost on the way. */
  id: id.optional(),
  /** What it follows; null: it begins the conversation. The end of the active branch where it is left out. */
  parentId: id.nullable().optional(),
  role: z.enum(['system', 'user', 'assistant']).default('user'),
  content: NewContent
})
export type NewMessage = z.infer<typeof NewMessage>

export const MessageEdit = z.object({ id: id.optional(), content: NewContent })
export type MessageEdit = z.infer<typeof MessageEdit>

export const NewConversation = z.object({
  title: line.default(''),
  folderId: id.nullable().default(null),
  settings: ChatSettings.prefault({})
})
export type NewConversation = z.infer<typeof NewConversation>

/** What is left out stays. `settings` are replaced as a whole. */
export const ConversationChange = z.object({
  title: line.optional(),
  folderId: id.nullable().optional(),
  pinned: z.boolean().optional(),
  settings: ChatSettings.optional()
})
export type ConversationChange = z.infer<typeof ConversationChange>

export const NewFolder = z.object({ name })
export const NewPreset = z.object({ name, settings: ChatSettings.prefault({}) })
export type NewPreset = z.infer<typeof NewPreset>
export const PresetChange = z.object({ name: name.optional(), settings: ChatSettings.optional() })
export type PresetChange = z.infer<typeof PresetChange>

/** Answers a message. What is left out is as the conversation's settings have it. */
const answering = {
  /** What to answer, or an answer to be given anew beside the old one. The end of the active branch where it is left out. */
  messageId: id.optional(),
  systemPrompt: z.string().max(chatLimits.systemPrompt).optional(),
  generation: ChatGeneration.optional(),
  reasoning: z.boolean().optional()
}
export const GenerateOrder = z.object({ model: z.string().min(1).max(256).optional(), ...answering })
export type GenerateOrder = z.infer<typeof GenerateOrder>
export const CompareOrder = z.object({ models: z.array(z.string().min(1).max(256)).min(2).max(chatLimits.compared), ...answering })
export type CompareOrder = z.infer<typeof CompareOrder>

/** What became of an import, conversation by conversation. Nothing is taken in part without a word here. */
export const ImportReport = z.object({
  format: z.enum(['outpost', 'open-webui', 'chatgpt', 'lm-studio']),
  /** New here. */
  added: z.int(),
  /** Here before, with messages that were not. */
  extended: z.int(),
  /** Here before as they are. */
  unchanged: z.int(),
  /** Not taken, with the reason. `index` counts from 0 in the file. At most the first 1,000. */
  refused: z.array(z.object({ index: z.int(), title: z.string(), reason: z.string() })),
  refusedCount: z.int(),
  /** Taken, but without something that stood in the file. At most the first 1,000. */
  notes: z.array(z.object({ index: z.int(), title: z.string(), note: z.string() })),
  /** Ids of what was added or extended, at most the first 1,000. */
  conversations: z.array(z.string())
})
export type ImportReport = z.infer<typeof ImportReport>
