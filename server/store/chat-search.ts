import type { SearchMatch } from '#contracts/chats.ts'
import type { Database } from './database.ts'
import { parseQuery, snippetOf, toMatch } from './search-words.ts'
import { contentText } from './stored-content.ts'

/** Places shown of one conversation. */
const mostMatches = 3
/** Messages looked at for one search: a word that stands everywhere must not hold up the others. */
const mostScanned = 5000

type Found = { chat: number; matches: SearchMatch[] }

/** Finds conversations by their titles and messages, newest first. */
export function createChatSearch(
  db: Database
): (owner: string, options: { query: string; folder?: number | null | undefined; limit: number }) => Found[] {
  const titles = db.prepare<[string], { number: number; title: string; folder: number | null }>(`SELECT number, title, folder
    FROM chat_title_words JOIN chats ON chats.number = chat_title_words.rowid
    WHERE chat_title_words MATCH ? AND deleted_at IS NULL ORDER BY chat_title_words.rowid DESC`)
  const messages = db.prepare<[string], { chat: number; number: number; folder: number | null }>(`SELECT chat, chat_messages.number, folder
    FROM chat_message_words JOIN chat_messages ON chat_messages.number = chat_message_words.rowid JOIN chats ON chats.number = chat
    WHERE chat_message_words MATCH ? AND deleted_at IS NULL ORDER BY chat_message_words.rowid DESC`)
  const message = db.prepare<[number], { id: string; content: string }>('SELECT id, content FROM chat_messages WHERE number = ?')

  return (owner, { query, folder, limit }) => {
    const phrases = parseQuery(query)
    if (phrases.length === 0) return []
    const match = toMatch(owner, phrases)
    const found = new Map<number, SearchMatch[]>()
    const isIn = (its: number | null) => folder === undefined || its === folder
    for (const { number, title, folder: its } of titles.iterate(match)) {
      if (!isIn(its)) continue
      found.set(number, [{ messageId: null, ...snippetOf(title, phrases) }])
      if (found.size >= limit) break
    }
    const places: { chat: number; number: number }[] = []
    const counts = new Map<number, number>()
    let scanned = 0
    for (const { chat, number, folder: its } of messages.iterate(match)) {
      if (++scanned > mostScanned) break
      const count = counts.get(chat) ?? 0
      if (!isIn(its) || count >= mostMatches) continue
      if (!found.has(chat)) {
        if (found.size >= limit) break
        found.set(chat, [])
      }
      counts.set(chat, count + 1)
      places.push({ chat, number })
    }
    for (const { chat, number } of places) {
      const row = message.get(number)
      if (row !== undefined) found.get(chat)?.push({ messageId: row.id, ...snippetOf(contentText(row.content), phrases) })
    }
    return [...found].map(([chat, matches]) => ({ chat, matches }))
  }
}
