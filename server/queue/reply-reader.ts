import type { Redis } from 'ioredis'
import type { Log } from '../log.ts'
import { replyKey } from './queue-names.ts'
import { decodeReplies, joinReplies, type ReplyEntry } from './reply-codec.ts'

/** Messages taken in one turn of the event loop: enough to catch up quickly, few enough that no stream waits long for the others. */
const messagesAtOnce = 32
/** Stream entries read before the ones behind us are cut off. */
const trimAfter = 512

export type ReplyReader = {
  /** Resolves when everything that lies in the stream now has been handed on. */
  caughtUp(): Promise<void>
  stop(): Promise<void>
}

/**
 * The gateway's one reader. Starts with what a predecessor of the same gateway left unread, waits through a Redis that is away, and goes on
 * after the last entry it saw. `onReplies` gets what lay there at once, in order: with a backlog a stream gets several steps in one write, so that a
 * gateway under load does less for each token instead of falling behind.
 */
export function startReplyReader(options: {
  gateway: string
  /** A connection of its own: it blocks. */
  blocking: Redis
  commands: Redis
  onReplies: (entries: ReplyEntry[]) => void
  log: Log
}): ReplyReader {
  const { blocking, commands, onReplies, log } = options
  const key = replyKey(options.gateway)
  let last = '0'
  let sinceTrim = 0
  let stopped = false
  const waiters: { id: string; resolve: () => void }[] = []

  const read = async () => {
    while (!stopped) {
      let reply: [string, [string, string[]][]][] | null
      try {
        reply = (await blocking.xread('COUNT', messagesAtOnce, 'BLOCK', 0, 'STREAMS', key, last)) as typeof reply
      } catch (error) {
        if (stopped) return
        log.debug({ err: error }, 'reading replies failed, trying again')
        await new Promise((resolve) => setTimeout(resolve, 50))
        continue
      }
      const entries: ReplyEntry[] = []
      for (const [id, fields] of reply?.[0]?.[1] ?? []) {
        last = id
        sinceTrim++
        try {
          for (const entry of decodeReplies(fields[1] ?? '')) entries.push(entry)
        } catch (error) {
          log.error({ err: error, id }, 'a reply could not be understood')
        }
      }
      if (entries.length > 0) onReplies((reply?.[0]?.[1].length ?? 0) > 1 ? joinReplies(entries) : entries)
      for (let i = waiters.length - 1; i >= 0; i--) if (!isBefore(last, waiters[i]!.id)) waiters.splice(i, 1)[0]!.resolve()
      if (sinceTrim >= trimAfter) trim()
    }
  }
  const trim = () => {
    sinceTrim = 0
    // Not exact: Redis drops whole nodes, which costs next to nothing. Reading an old entry twice is harmless (seq, receipts by job id).
    commands.xtrim(key, 'MINID', '~', last).catch(() => {})
  }
  const reading = read()

  return {
    async caughtUp() {
      const newest = (await commands.xrevrange(key, '+', '-', 'COUNT', 1))[0]?.[0]
      if (newest === undefined || !isBefore(last, newest)) return
      await new Promise<void>((resolve) => waiters.push({ id: newest, resolve }))
    },
    async stop() {
      stopped = true
      await commands.xtrim(key, 'MINID', last).catch(() => {})
      // While it is between two tries to connect, what waits for the connection is never told that it was given up.
      const isAway = blocking.status === 'reconnecting'
      blocking.disconnect()
      if (!isAway) await reading
    }
  }
}

/** Stream ids are `milliseconds-counter`. */
function isBefore(a: string, b: string): boolean {
  const [aTime = 0, aCount = 0] = a.split('-').map(Number)
  const [bTime = 0, bCount = 0] = b.split('-').map(Number)
  return aTime < bTime || (aTime === bTime && aCount < bCount)
}
