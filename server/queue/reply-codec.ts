import { z } from 'zod'
import { JobEvent } from '#contracts/event.ts'
import { Receipt } from '#contracts/job.ts'

/**
 * What one worker tick sends to one gateway: an entry for each job that made something in it.
 * `[jobId, attempt, seq of the first event, events, receipt?]`. Text, nearly everything there is, travels as `[index, text]`;
 * every other event as itself. A receipt comes with the job's last event.
 */
export type ReplyEntry = { jobId: string; attempt: number; seq: number; events: JobEvent[]; receipt: Receipt | undefined }

type Packed = [jobId: string, attempt: number, seq: number, events: unknown[], receipt?: Receipt]

export function encodeReplies(entries: Iterable<ReplyEntry>): string {
  const packed: Packed[] = []
  for (const { jobId, attempt, seq, events, receipt } of entries) {
    const list = events.map((event) => (event.type === 'text-delta' && event.logprobs === undefined ? [event.index, event.text] : event))
    packed.push(receipt === undefined ? [jobId, attempt, seq, list] : [jobId, attempt, seq, list, receipt])
  }
  return JSON.stringify(packed)
}

/** Entries of one job that follow each other become one. */
export function joinReplies(entries: ReplyEntry[]): ReplyEntry[] {
  const joined: ReplyEntry[] = []
  const latest = new Map<string, ReplyEntry>()
  for (const entry of entries) {
    const before = latest.get(entry.jobId)
    if (before !== undefined && before.attempt === entry.attempt && before.seq + before.events.length === entry.seq) {
      for (const event of entry.events) before.events.push(event)
      before.receipt = entry.receipt
    } else {
      latest.set(entry.jobId, entry)
      joined.push(entry)
    }
  }
  return joined
}

const PackedEntry = z.tuple([z.string(), z.int(), z.int().min(0), z.array(z.unknown())]).rest(z.unknown())

/** Throws a zod error on what no worker of this version writes. The text shape is checked by hand: it is the path of every token. */
export function decodeReplies(json: string): ReplyEntry[] {
  const packed: unknown = JSON.parse(json)
  if (!Array.isArray(packed)) throw new TypeError('a reply is an array of entries')
  return packed.map((entry) => {
    const valid = isPacked(entry) ? entry : (PackedEntry.parse(entry) as unknown as Packed)
    const events: JobEvent[] = new Array(valid[3].length)
    for (let i = 0; i < events.length; i++) events[i] = toEvent(valid[3][i])
    return { jobId: valid[0], attempt: valid[1], seq: valid[2], events, receipt: valid[4] === undefined ? undefined : Receipt.parse(valid[4]) }
  })
}

function isPacked(entry: unknown): entry is Packed {
  return (
    Array.isArray(entry) && typeof entry[0] === 'string' && typeof entry[1] === 'number' && typeof entry[2] === 'number' && Array.isArray(entry[3])
  )
}

function toEvent(packed: unknown): JobEvent {
  if (Array.isArray(packed)) {
    const [index, text] = packed
    if (typeof index === 'number' && typeof text === 'string') return { type: 'text-delta', index, text }
  }
  return JobEvent.parse(packed)
}
