import { z } from 'zod'
import { ChatMessage, ChatSettings, chatLimits, type ImportReport } from '#contracts/chats.ts'

export type ImportFormat = ImportReport['format']

/** A file of our own export, with its bytes. */
const ImportedAttachment = z.object({ name: z.string().min(1).max(255), mediaType: z.string().max(200), data: z.base64() })
export type ImportedAttachment = z.infer<typeof ImportedAttachment>

/** A message as any format gives it, parents before children. `attachments`: indexes into those of the conversation. */
export const ImportedMessage = ChatMessage.pick({ role: true, reasoning: true, toolCalls: true, usage: true, timings: true, vote: true })
  .partial()
  .required({ role: true })
  .extend({
    id: z.string().regex(/^[A-Za-z0-9_.:-]{1,128}$/, 'must be 1–128 characters of A–Z a–z 0–9 _ . : -'),
    parentId: z.string().nullable(),
    text: z.string().max(chatLimits.text),
    attachments: z.array(z.int().min(0)).max(chatLimits.attachmentsOfMessage).default([]),
    model: z.string().max(256).nullable().default(null),
    /** Unix milliseconds; null: nobody knows. */
    createdAt: z.number().nullable()
  })
export type ImportedMessage = z.infer<typeof ImportedMessage>

export const ImportedChat = z.object({
  /** Where it is from; taken again, it is the same one. */
  origin: z.string().min(1).max(300),
  title: z.string(),
  folder: z.string().nullable().default(null),
  pinned: z.boolean().default(false),
  settings: ChatSettings,
  createdAt: z.number().nullable(),
  changedAt: z.number().nullable(),
  messages: z.array(ImportedMessage),
  activeId: z.string().nullable(),
  attachments: z.array(ImportedAttachment).default([]),
  /** What stood in the file and is not here, in words. */
  notes: z.array(z.string()).default([])
})
export type ImportedChat = z.infer<typeof ImportedChat>

/** A conversation that cannot be taken; `message` says why. Never thrown out of an import. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}
