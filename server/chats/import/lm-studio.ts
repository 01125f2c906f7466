import { createHash } from 'node:crypto'
import { ChatSettings, type ChatTimings } from '#contracts/chats.ts'
import { type ImportedChat, type ImportedMessage, Refusal } from './imported-chat.ts'
import { createNotes, type Json, listOf, numberOf, objectOf, textOf, timeOf, titleOf } from './read-value.ts'

type Notes = ReturnType<typeof createNotes>

/** A conversation file of LM Studio: a list of turns, each with its versions and which one of them is selected. */
export function isLmStudio(entry: Json): boolean {
  return listOf(entry['messages']).some((message) => Array.isArray(objectOf(message)?.['versions']))
}

/** Only the selected versions are followed by the next turn; the others stay beside them as branches. */
export function fromLmStudio(entry: Json): ImportedChat {
  const notes = createNotes()
  const messages: ImportedMessage[] = []
  let parentId: string | null = null
  for (const [turn, value] of listOf(entry['messages']).entries()) {
    const message = objectOf(value)
    const versions = listOf(message?.['versions'])
    if (versions.length === 0) throw new Refusal('a turn has no versions')
    const selected = numberOf(message?.['currentlySelected']) ?? 0
    if (!Number.isInteger(selected) || versions[selected] === undefined) throw new Refusal('a turn selects a version that is not there')
    for (const [i, version] of versions.entries()) messages.push(readVersion(`turn-${turn}-${i}`, parentId, version, notes))
    parentId = `turn-${turn}-${selected}`
  }
  const createdAt = timeOf(entry['createdAt'])
  const title = titleOf(entry['name'])
  // These files have no id; when they began and with what does not change.
  const digest = createHash('sha256')
    .update(`${createdAt ?? title}\n${messages[0]?.text ?? ''}`)
    .digest('hex')
    .slice(0, 32)
  const field = listOf(objectOf(entry['perChatPredictionConfig'])?.['fields'])
    .map(objectOf)
    .find((one) => one?.['key'] === 'llm.prediction.systemPrompt')
  const system = textOf(field?.['value']) || textOf(entry['systemPrompt']) || ''
  const model = objectOf(entry['lastUsedModel'])
  return {
    origin: `lm-studio:${digest}`,
    title,
    folder: null,
    pinned: entry['pinned'] === true,
    settings: ChatSettings.parse({
      model: (textOf(model?.['identifier']) ?? textOf(model?.['indexedModelIdentifier']))?.slice(0, 256) || null,
      systemPrompt: system
    }),
    createdAt,
    changedAt: timeOf(entry['assistantLastMessagedAt'] ?? entry['userLastMessagedAt']),
    messages,
    activeId: parentId,
    attachments: [],
    notes: notes.list()
  }
}

function readVersion(id: string, parentId: string | null, value: unknown, notes: Notes): ImportedMessage {
  const version = objectOf(value)
  const role = version?.['role']
  if (version === undefined || (role !== 'user' && role !== 'assistant' && role !== 'system'))
    throw new Refusal('a version has a role that is neither user, assistant nor system')
  const base = { id, parentId, role, attachments: [], createdAt: null } as const
  if (version['type'] !== 'multiStep') return { ...base, attachments: [], text: textIn(version['content'], notes), model: null }
  let text = ''
  let reasoning = ''
  let model: string | null = textOf(objectOf(version['senderInfo'])?.['senderName'])?.slice(0, 256) ?? null
  let timings: ChatTimings | null = null
  for (const value of listOf(version['steps'])) {
    const step = objectOf(value) ?? {}
    if (step['type'] !== 'contentBlock') {
      if (step['type'] !== 'debugInfoBlock' && step['type'] !== 'status') notes.add('a step of an answer that is no text was left out')
      continue
    }
    const said = textIn(step['content'], notes)
    if (objectOf(step['style'])?.['type'] === 'thinking') reasoning += said
    else text += said
    const info = objectOf(step['genInfo'])
    const stats = objectOf(info?.['stats'])
    model = textOf(info?.['identifier'])?.slice(0, 256) ?? model
    if (stats !== undefined) timings = timingsOf(stats)
  }
  return { ...base, attachments: [], text, reasoning: reasoning.trim() === '' ? null : reasoning.trim(), model, timings }
}

function timingsOf(stats: Json): ChatTimings {
  const first = numberOf(stats['timeToFirstTokenSec'])
  return {
    firstTokenMs: first === undefined ? null : Math.round(first * 1000),
    promptMs: null,
    generationMs: null,
    tokensPerSecond: numberOf(stats['tokensPerSecond']) ?? null,
    reasoningMs: null
  }
}

function textIn(content: unknown, notes: Notes): string {
  const whole = textOf(content)
  if (whole !== undefined) return whole
  return listOf(content)
    .map((value) => {
      const part = objectOf(value) ?? {}
      const text = textOf(part['text'])
      if (text === undefined)
        notes.add(part['type'] === 'file' ? 'an attached file is not in the export' : 'a part of a message that is no text was left out')
      return text ?? ''
    })
    .join('')
}
