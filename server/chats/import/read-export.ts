import { isUtf8 } from 'node:buffer'
import { chatLimits } from '#contracts/chats.ts'
import { AppError } from '../../errors.ts'
import { jsonDepth } from '../../json-depth.ts'
import { fromChatGpt, isChatGpt } from './chatgpt.ts'
import { type ImportedChat, type ImportFormat, Refusal } from './imported-chat.ts'
import { fromLmStudio, isLmStudio } from './lm-studio.ts'
import { fromOpenWebUi, isOpenWebUi } from './open-webui.ts'
import { fromOutpost } from './outpost.ts'
import { type Json, objectOf, textOf, titleOf } from './read-value.ts'

/** One conversation of a file: as it is to be taken, or why it is not. */
export type ReadChat = { index: number; title: string } & ({ chat: ImportedChat } | { reason: string })

/** Deeper than any of these formats; millions of brackets would cost gigabytes as objects. */
const maxDepth = 64

/** A file → its format and its conversations, each made when it is asked for. Throws `invalid_request` for a file that is none of those known. */
export function readExport(file: Buffer): { format: ImportFormat; chats: Generator<ReadChat> } {
  const value = parse(file)
  const own = objectOf(value)
  if (own?.['outpost'] === 'chats') {
    if (own['version'] !== 1) throw new AppError('invalid_request', 'the export is of a newer Outpost; update this one')
    return { format: 'outpost', chats: readAll(own['conversations'], () => fromOutpost) }
  }
  const entries = Array.isArray(value) ? value : [value]
  const readers: [ImportFormat, (entry: Json) => boolean, (entry: Json) => ImportedChat][] = [
    ['chatgpt', isChatGpt, fromChatGpt],
    ['open-webui', isOpenWebUi, fromOpenWebUi],
    ['lm-studio', isLmStudio, fromLmStudio]
  ]
  for (const [format, isOne, from] of readers) {
    if (!entries.some((entry) => isOne(objectOf(entry) ?? {}))) continue
    return { format, chats: readAll(entries, (entry) => (isOne(entry) ? from : undefined)) }
  }
  throw new AppError(
    'invalid_request',
    'the file is no export that is known here: take the JSON of Outpost, conversations.json of ChatGPT, the chats of Open WebUI, or a conversation of LM Studio'
  )
}

function* readAll(entries: unknown, readerOf: (entry: Json) => ((entry: Json) => ImportedChat) | undefined): Generator<ReadChat> {
  if (!Array.isArray(entries)) throw new AppError('invalid_request', 'the export has no list of conversations')
  for (const [index, value] of entries.entries()) {
    const entry = objectOf(value)
    const title = titleOf(textOf(entry?.['title']) ?? textOf(entry?.['name'])).slice(0, 100)
    const read = entry === undefined ? undefined : readerOf(entry)
    if (entry === undefined || read === undefined) {
      yield { index, title, reason: 'it is no conversation of this format' }
      continue
    }
    try {
      yield { index, title, chat: checked(read(entry)) }
    } catch (error) {
      // What else is thrown is our own fault, and says nothing to whoever imports.
      yield { index, title, reason: error instanceof Refusal ? error.message : 'it is not understood' }
    }
  }
}

function checked(chat: ImportedChat): ImportedChat {
  if (chat.messages.length === 0) throw new Refusal('it has no messages')
  if (chat.messages.length > chatLimits.messages)
    throw new Refusal(`it has ${chat.messages.length} messages, and ${chatLimits.messages} are the most there may be`)
  if (chat.messages.some(({ text }) => text.length > chatLimits.text)) throw new Refusal(`a message is longer than ${chatLimits.text} characters`)
  return chat
}

function parse(file: Buffer): unknown {
  if (file.toString('latin1', 0, 4) === 'PK\u0003\u0004')
    throw new AppError('invalid_request', 'the file is a ZIP archive: unpack it, and send the conversations.json in it')
  if (!isUtf8(file)) throw new AppError('invalid_json', 'the file is not valid UTF-8; exports are')
  if (jsonDepth(file) > maxDepth) throw new AppError('invalid_json', `the file is nested more than ${maxDepth} levels deep, which no export is`)
  try {
    return JSON.parse(file.toString('utf8', file[0] === 0xef && file[1] === 0xbb ? 3 : 0))
  } catch {
    throw new AppError('invalid_json', 'the file is not JSON, or ends too early')
  }
}
