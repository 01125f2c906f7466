import { ChatSettings } from '#contracts/chats.ts'
import { type ImportedChat, type ImportedMessage, Refusal } from './imported-chat.ts'
import { createNotes, idOf, inTreeOrder, type Json, listOf, objectOf, textOf, timeOf, titleOf } from './read-value.ts'

type Node = { id: string; parentId: string | null; message: ImportedMessage | undefined; reasoning: string }

/** An entry of ChatGPT's conversations.json: `mapping` is a tree of nodes, many of which show nothing. */
export function isChatGpt(entry: Json): boolean {
  return objectOf(entry['mapping']) !== undefined
}

export function fromChatGpt(entry: Json): ImportedChat {
  const notes = createNotes()
  const nodes = Object.entries(objectOf(entry['mapping']) ?? {}).map(([key, value]): Node => {
    const node = objectOf(value)
    if (node === undefined) throw new Refusal('a node of its tree is no object')
    const id = idOf(key)
    return {
      id,
      parentId: node['parent'] === null || node['parent'] === undefined ? null : idOf(node['parent']),
      ...readMessage(id, node['message'], notes.add)
    }
  })
  const { messages, standIn } = shown(inTreeOrder(nodes))
  const id = textOf(entry['conversation_id']) ?? textOf(entry['id'])
  if (id === undefined || id === '') throw new Refusal('it has no id')
  const current = textOf(entry['current_node'])
  return {
    origin: `chatgpt:${id.slice(0, 200)}`,
    title: titleOf(entry['title']),
    folder: null,
    pinned: entry['is_starred'] === true,
    settings: ChatSettings.parse({}),
    createdAt: timeOf(entry['create_time']),
    changedAt: timeOf(entry['update_time']),
    messages,
    activeId: current === undefined ? null : (standIn.get(current) ?? null),
    attachments: [],
    notes: notes.list()
  }
}

/** Nodes that show nothing go; what followed them follows what was before them. Reasoning goes to the answer that follows it. */
function shown(nodes: readonly Node[]): { messages: ImportedMessage[]; standIn: Map<string, string> } {
  const messages: ImportedMessage[] = []
  const standIn = new Map<string, string>()
  const thoughts = new Map<string, string>()
  for (const { id, parentId, message, reasoning } of nodes) {
    const before = parentId === null ? '' : (thoughts.get(parentId) ?? '')
    const parent = parentId === null ? undefined : standIn.get(parentId)
    if (message === undefined) {
      if (parent !== undefined) standIn.set(id, parent)
      thoughts.set(id, [before, reasoning].filter((text) => text !== '').join('\n\n'))
      continue
    }
    standIn.set(id, id)
    messages.push({ ...message, parentId: parent ?? null, reasoning: message.role === 'assistant' && before !== '' ? before : null })
  }
  return { messages, standIn }
}

function readMessage(id: string, value: unknown, note: (note: string) => void): Pick<Node, 'message' | 'reasoning'> {
  const nothing = { message: undefined, reasoning: '' }
  const message = objectOf(value)
  if (message === undefined) return nothing
  const role = textOf(objectOf(message['author'])?.['role'])
  const content = objectOf(message['content']) ?? {}
  const metadata = objectOf(message['metadata']) ?? {}
  if (metadata['is_visually_hidden_from_conversation'] === true) return nothing
  if (content['content_type'] === 'thoughts') {
    const thoughts = listOf(content['thoughts']).map((thought) => textOf(objectOf(thought)?.['content']) ?? '')
    return { message: undefined, reasoning: thoughts.filter((text) => text !== '').join('\n\n') }
  }
  if (content['content_type'] === 'reasoning_recap' || content['content_type'] === 'model_editable_context') return nothing
  const text = textIn(content, note)
  if (listOf(metadata['attachments']).length > 0) note('an attached file is not in the export')
  const recipient = textOf(message['recipient']) ?? 'all'
  if (role === 'tool' || (role === 'assistant' && recipient !== 'all')) {
    if (text !== '') note('what was said to and by tools was left out')
    return nothing
  }
  if (role !== 'user' && role !== 'assistant' && role !== 'system') {
    note('a message of a role that is not known here was left out')
    return nothing
  }
  if (text === '') return nothing
  const model = role === 'assistant' ? (textOf(metadata['model_slug'])?.slice(0, 256) ?? null) : null
  return { message: { id, parentId: null, role, text, model, attachments: [], createdAt: timeOf(message['create_time']) }, reasoning: '' }
}

function textIn(content: Json, note: (note: string) => void): string {
  const parts = listOf(content['parts']).map((part) => {
    const text = textOf(part) ?? textOf(objectOf(part)?.['text'])
    if (text === undefined) note(`a part that is no text (${kindOf(part)}) is not in the export`)
    return text ?? ''
  })
  const whole = [...parts, textOf(content['text']) ?? ''].filter((part) => part !== '').join('\n\n')
  if (content['content_type'] !== 'code' || whole === '') return whole
  return `\`\`\`${(textOf(content['language']) ?? '').replace(/[^A-Za-z0-9+#-]|^unknown$/g, '')}\n${whole}\n\`\`\``
}

function kindOf(part: unknown): string {
  const kind = textOf(objectOf(part)?.['content_type']) ?? 'of an unknown kind'
  return kind.replace(/[^A-Za-z0-9_ -]/g, '').slice(0, 40)
}
