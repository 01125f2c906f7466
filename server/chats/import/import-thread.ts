import { readFileSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import type { ErrorCode } from '#contracts/error.ts'
import { toAppError } from '../../errors.ts'
import type { ImportFormat } from './imported-chat.ts'
import { type ReadChat, readExport } from './read-export.ts'

export type ImportThreadReport =
  | { type: 'format'; format: ImportFormat }
  | { type: 'chat'; chat: ReadChat }
  | { type: 'end' }
  | { type: 'error'; code: ErrorCode; message: string }

// Reading hundreds of megabytes must not hold up the answers of others. One conversation at a time is handed over, when it is asked for.
if (parentPort !== null) run(String(workerData), parentPort) // `import-chats.ts` starts it, with a path.

function run(path: string, port: NonNullable<typeof parentPort>): void {
  const report = (message: ImportThreadReport) => port.postMessage(message)
  const guarded = (work: () => void) => {
    try {
      work()
    } catch (error) {
      const { code, message } = toAppError(error)
      report({ type: 'error', code, message })
      port.close()
    }
  }
  guarded(() => {
    const { format, chats } = readExport(readFileSync(path))
    port.on('message', () =>
      guarded(() => {
        const next = chats.next()
        if (next.done !== true) return report({ type: 'chat', chat: next.value })
        report({ type: 'end' })
        port.close()
      })
    )
    report({ type: 'format', format })
  })
}
