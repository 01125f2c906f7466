/** A part of a message as it is kept: attachments by id, with the name for searching. */
export type StoredPart = { type: 'text'; text: string } | { type: 'attachment'; id: string; name: string }

export function parseContent(content: string): StoredPart[] {
  return JSON.parse(content) as StoredPart[] // Only `chat-messages.ts` writes it.
}

/** What of a message can be searched: its text and the names of its attachments. */
export function contentText(content: string): string {
  return parseContent(content)
    .map((part) => (part.type === 'text' ? part.text : part.name))
    .join('\n')
}
