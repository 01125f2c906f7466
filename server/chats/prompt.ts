import type { ContentPart, Message } from '#contracts/chat.ts'
import type { Attachment, ChatMessage } from '#contracts/chats.ts'

/** What attachments hold. */
export type AttachmentContents = { text(attachment: Attachment): string; data(attachment: Attachment): Buffer }

/**
 * A branch as a model gets it: the system prompt first, then what was said. Texts of attachments stand after the words they came with, fenced
 * under their names; images are parts of their own. Nothing is cut: what does not fit the window is refused by the engine, with both numbers.
 */
export function toPrompt(branch: readonly ChatMessage[], systemPrompt: string, contents: AttachmentContents): Message[] {
  const messages: Message[] = []
  const leading: string[] = systemPrompt.trim() === '' ? [] : [systemPrompt]
  let begun = false
  for (const message of branch) {
    if (message.role === 'system' && !begun) {
      leading.push(plainText(message))
      continue
    }
    begun = true
    if (message.role === 'user') messages.push({ role: 'user', content: toContent(message, contents) })
    else {
      const content = plainText(message)
      // An answer that failed before its first word says nothing.
      if (content !== '') messages.push({ role: message.role, content })
    }
  }
  // Many templates know one system message only, and only as the first.
  return leading.length === 0 ? messages : [{ role: 'system', content: leading.join('\n\n') }, ...messages]
}

export function plainText(message: ChatMessage): string {
  return message.content.map((part) => (part.type === 'text' ? part.text : '')).join('')
}

function toContent(message: ChatMessage, contents: AttachmentContents): string | ContentPart[] {
  const attached = message.content.flatMap((part) => (part.type === 'attachment' ? [part.attachment] : []))
  const files = attached.filter(({ kind }) => kind !== 'image').map((file) => fenced(file, contents.text(file)))
  const text = [plainText(message), ...files].filter((part) => part !== '').join('\n\n')
  const images = attached.filter(({ kind }) => kind === 'image')
  if (images.length === 0) return text
  const parts = images.map((image): ContentPart => ({ type: 'image', mediaType: image.mediaType, data: contents.data(image).toString('base64') }))
  return text === '' ? parts : [{ type: 'text', text }, ...parts]
}

/** The fence is longer than any in the text, so that a file cannot end it and speak as somebody else. */
function fenced({ name, kind }: Attachment, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([ticks]) => ticks.length))
  const fence = '`'.repeat(longest + 1)
  const language = kind === 'text' ? (/\.([A-Za-z0-9]{1,12})$/.exec(name)?.[1] ?? '').toLowerCase() : ''
  return `Attached file ${JSON.stringify(name)}:\n${fence}${language}\n${text}${text.endsWith('\n') ? '' : '\n'}${fence}`
}
