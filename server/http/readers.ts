import { AppError } from '../errors.ts'
import type { KeyStore } from '../store/keys.ts'

/** Somebody who reads a job's events over HTTP. */
export type Reader = {
  readonly clientId: string
  /** Ends it from this side, with an error the client sees. */
  cut(reason: 'key_revoked' | 'client_gone', error: AppError): void
  /** Called about once a second while it is registered. */
  tick?(now: number): void
}

/** Everybody who reads now: ended when their key is revoked or the server stops, and reminded of time by one timer for all. */
export type Readers = {
  add(reader: Reader): void
  remove(reader: Reader): void
  readonly size: number
  close(): void
}

const tickMs = 1000

export function createReaders(keys: KeyStore): Readers {
  const byClient = new Map<string, Set<Reader>>()
  let size = 0
  let timer: NodeJS.Timeout | undefined
  const stopListening = keys.onRevoked((id) => {
    const error = new AppError('key_revoked', 'the key of this request was revoked while it ran')
    for (const reader of [...(byClient.get(id) ?? [])]) reader.cut('key_revoked', error)
  })
  const tick = () => {
    const now = Date.now()
    for (const readers of byClient.values()) for (const reader of [...readers]) reader.tick?.(now)
  }

  return {
    add(reader) {
      let readers = byClient.get(reader.clientId)
      if (readers === undefined) {
        readers = new Set()
        byClient.set(reader.clientId, readers)
      }
      readers.add(reader)
      size++
      timer ??= setInterval(tick, tickMs).unref()
    },
    remove(reader) {
      const readers = byClient.get(reader.clientId)
      if (readers?.delete(reader) !== true) return
      size--
      if (readers.size === 0) byClient.delete(reader.clientId)
    },
    get size() {
      return size
    },
    close() {
      stopListening()
      clearInterval(timer)
      const error = new AppError('shutting_down', 'the server is stopping; send the request again in a moment')
      for (const readers of [...byClient.values()]) for (const reader of [...readers]) reader.cut('client_gone', error)
    }
  }
}
