import type { Redis } from 'ioredis'
import type { JobEvent } from '#contracts/event.ts'
import type { Receipt } from '#contracts/job.ts'
import type { Log } from '../log.ts'
import { appendHistory } from './history.ts'
import { replyKey } from './queue-names.ts'
import { encodeReplies, type ReplyEntry } from './reply-codec.ts'

export type JobSender = {
  send(event: JobEvent): void
  /** The last event, with what the job cost. */
  end(event: JobEvent, receipt: Receipt): void
}

/** The worker's side of the reply streams. */
export type Outbox = {
  open(job: { jobId: string; gateway: string; attempt: number; detached: boolean }): JobSender
  /** Resolves when everything sent so far lies in Redis. */
  flushed(): Promise<void>
}

/**
 * Everything made in one turn of the event loop (one engine step, for all its sequences) leaves as one message to each gateway.
 * Never by a timer: that would add its length to every token. What is made while a message is being written joins the next one: a slow Redis gets
 * larger messages, not more.
 */
export function createOutbox(redis: Redis, log: Log): Outbox {
  const lines = new Map<string, Line>()

  type Line = { gateway: string; waiting: Map<string, ReplyEntry & { detached: boolean }>; scheduled: boolean; writing: boolean }

  const flush = (line: Line) => {
    line.scheduled = false
    if (line.waiting.size === 0 || line.writing) return
    const entries = line.waiting
    line.waiting = new Map()
    line.writing = true
    write(line.gateway, entries.values())
      .catch((error) => log.error({ err: error }, 'a reply could not be written'))
      .finally(() => {
        line.writing = false
        if (line.waiting.size > 0) flush(line)
        else
          idle.splice(0).forEach((resolve) => {
            resolve()
          })
      })
  }
  const idle: (() => void)[] = []

  const write = async (gateway: string, entries: Iterable<ReplyEntry & { detached: boolean }>) => {
    const all = [...entries]
    const detached = all.filter((entry) => entry.detached)
    if (detached.length === 0) {
      await redis.xadd(replyKey(gateway), '*', 'r', encodeReplies(all))
      return
    }
    const batch = redis.multi()
    // The history first: who is told of an event can already read it there.
    for (const entry of detached) appendHistory(batch, entry)
    await batch.xadd(replyKey(gateway), '*', 'r', encodeReplies(all)).exec()
  }

  return {
    open({ jobId, gateway, attempt, detached }) {
      const target = lines.get(gateway) ?? { gateway, waiting: new Map(), scheduled: false, writing: false }
      lines.set(gateway, target)
      let seq = 0
      const add = (event: JobEvent, receipt: Receipt | undefined) => {
        let entry = target.waiting.get(jobId)
        if (entry === undefined) {
          entry = { jobId, attempt, seq, events: [], receipt: undefined, detached }
          target.waiting.set(jobId, entry)
        }
        entry.events.push(event)
        entry.receipt = receipt
        seq++
        if (!target.scheduled && !target.writing) {
          target.scheduled = true
          setImmediate(flush, target)
        }
      }
      return { send: (event) => add(event, undefined), end: add }
    },
    async flushed() {
      while ([...lines.values()].some((line) => line.waiting.size > 0 || line.writing)) await new Promise<void>((resolve) => idle.push(resolve))
    }
  }
}
