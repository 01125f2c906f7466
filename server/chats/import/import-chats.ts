import { Worker } from 'node:worker_threads'
import type { ImportReport } from '#contracts/chats.ts'
import { AppError } from '../../errors.ts'
import type { ImportThreadReport } from './import-thread.ts'
import type { ImportedChat } from './imported-chat.ts'

export type TakenChat = { id: string; outcome: 'added' | 'extended' | 'unchanged'; notes: string[] }

const mostListed = 1000
const limitMiB = 3072

/**
 * Reads an export from a file and hands over each conversation, one after the other. What one of them is refused for stands in the report; the
 * others are taken all the same. Throws for a file that is no export.
 */
export async function importChats(path: string, take: (chat: ImportedChat) => Promise<TakenChat>): Promise<ImportReport> {
  const thread = new Worker(new URL('./import-thread.ts', import.meta.url), {
    workerData: path,
    resourceLimits: { maxOldGenerationSizeMb: limitMiB }
  })
  const report: ImportReport = { format: 'outpost', added: 0, extended: 0, unchanged: 0, refused: [], refusedCount: 0, notes: [], conversations: [] }
  const refuse = (index: number, title: string, reason: string) => {
    report.refusedCount++
    if (report.refused.length < mostListed) report.refused.push({ index, title, reason })
  }
  const hear = async (message: ImportThreadReport): Promise<boolean> => {
    if (message.type === 'error') throw new AppError(message.code, message.message)
    if (message.type === 'end') return true
    if (message.type === 'format') report.format = message.format
    else if ('reason' in message.chat) refuse(message.chat.index, message.chat.title, message.chat.reason)
    else {
      const { index, title, chat } = message.chat
      try {
        const { id, outcome, notes } = await take(chat)
        report[outcome]++
        if (outcome !== 'unchanged' && report.conversations.length < mostListed) report.conversations.push(id)
        for (const note of [...chat.notes, ...notes]) if (report.notes.length < mostListed) report.notes.push({ index, title, note })
      } catch (error) {
        if (!(error instanceof AppError) || error.code === 'internal_error') throw error
        refuse(index, title, error.message)
      }
    }
    thread.postMessage('next')
    return false
  }
  try {
    await new Promise<void>((resolve, reject) => {
      thread.on('message', (message: ImportThreadReport) => hear(message).then((ended) => ended && resolve(), reject))
      thread.once('error', (error) =>
        reject(
          'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
            ? new AppError('payload_too_large', 'the export takes too much memory to read: split it')
            : error
        )
      )
      thread.once('exit', () => reject(new Error('the thread of the import ended without a word')))
    })
  } finally {
    await thread.terminate()
  }
  return report
}
