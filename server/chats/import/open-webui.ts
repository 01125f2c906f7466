import { ChatSettings } from '#contracts/chats.ts'
import { type ImportedChat, type ImportedMessage, Refusal } from './imported-chat.ts'
import { createNotes, idOf, inTreeOrder, type Json, listOf, objectOf, textOf, timeOf, titleOf } from './read-value.ts'

/** An entry of Open WebUI's export of chats: the tree is `chat.history`, `messages` beside it repeats its active branch. */
export function isOpenWebUi(entry: Json): boolean {
  return objectOf(objectOf(entry['chat'])?.['history'])?.['messages'] !== undefined || objectOf(entry['history'])?.['messages'] !== undefined
}

export function fromOpenWebUi(entry: Json): ImportedChat {
  const chat = objectOf(entry['chat']) ?? entry
  const history = objectOf(chat['history']) ?? {}
  const stored = objectOf(history['messages'])
  if (stored === undefined) throw new Refusal('it has no history of messages')
  const notes = createNotes()
  const nodes = Object.values(stored).map((value): ImportedMessage => {
    const message = objectOf(value)
    if (message === undefined) throw new Refusal('a message is no object')
    const { role } = message
    if (role !== 'user' && role !== 'assistant' && role !== 'system')
      throw new Refusal('a message has a role that is neither user, assistant nor system')
    if (listOf(message['files']).length > 0) notes.add('an attached file is not in the export')
    if (listOf(message['sources']).length > 0) notes.add('the sources of an answer were left out')
    const { text, reasoning } = contentOf(message['content'], () => notes.add('a part of a message that is no text was left out'))
    return {
      id: idOf(message['id']),
      parentId: message['parentId'] === null || message['parentId'] === undefined ? null : idOf(message['parentId']),
      role,
      text,
      reasoning,
      model: role === 'assistant' ? (textOf(message['model'])?.slice(0, 256) ?? null) : null,
      attachments: [],
      createdAt: timeOf(message['timestamp'])
    }
  })
  const id = textOf(entry['id']) ?? textOf(chat['id'])
  if (id === undefined || id === '') throw new Refusal('it has no id')
  const system = textOf(chat['system']) ?? textOf(objectOf(chat['params'])?.['system']) ?? ''
  return {
    origin: `open-webui:${id.slice(0, 200)}`,
    title: titleOf(entry['title'] ?? chat['title']),
    folder: null,
    pinned: entry['pinned'] === true,
    settings: ChatSettings.parse({ model: textOf(listOf(chat['models'])[0])?.slice(0, 256) || null, systemPrompt: system }),
    createdAt: timeOf(entry['created_at'] ?? chat['timestamp']),
    changedAt: timeOf(entry['updated_at']),
    messages: inTreeOrder(nodes),
    activeId: textOf(history['currentId']) ?? null,
    attachments: [],
    notes: notes.list()
  }
}

/** Reasoning stands in the text there, as an HTML element. */
function contentOf(content: unknown, onOther: () => void): { text: string; reasoning: string | null } {
  const whole =
    textOf(content) ??
    listOf(content)
      .map((part) => {
        const text = textOf(objectOf(part)?.['text'])
        if (text === undefined) onOther()
        return text ?? ''
      })
      .join('\n')
  const open = whole.indexOf('<details type="reasoning"')
  const close = open < 0 ? -1 : whole.indexOf('</details>', open)
  if (open !== 0 || close < 0) return { text: whole, reasoning: null }
  const inner = whole.slice(whole.indexOf('>', open) + 1, close)
  const afterSummary = inner.indexOf('</summary>')
  const reasoning = (afterSummary < 0 ? inner : inner.slice(afterSummary + 10))
    .trim()
    .split('\n')
    .map((line) => line.replace(/^(?:&gt;|>) ?/, ''))
    .join('\n')
  return { text: whole.slice(close + 10).trimStart(), reasoning: reasoning === '' ? null : reasoning }
}
