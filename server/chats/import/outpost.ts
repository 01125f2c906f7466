import { z } from 'zod'
import { ImportedChat, ImportedMessage, Refusal } from './imported-chat.ts'
import { inTreeOrder, titleOf } from './read-value.ts'

/** A conversation of our own export, as `docs/chats.md` describes it. */
export const ExportedChat = ImportedChat.omit({ origin: true, notes: true }).extend({
  id: z.string().min(1).max(200),
  messages: z.array(ImportedMessage)
})
export type ExportedChat = z.infer<typeof ExportedChat>

export function fromOutpost(entry: unknown): ImportedChat {
  const parsed = ExportedChat.safeParse(entry)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new Refusal(`${issue?.path.join('.') ?? 'it'}: ${issue?.message ?? 'is not understood'}`)
  }
  const { id, messages, title, ...chat } = parsed.data
  const attachments = chat.attachments.length
  if (messages.some((message) => message.attachments.some((index) => index >= attachments)))
    throw new Refusal('a message has an attachment that is not in the file')
  return { ...chat, title: titleOf(title), origin: `outpost:${id}`, messages: inTreeOrder(messages), notes: [] }
}
