import type { ChainableCommander, Redis } from 'ioredis'
import { isLastEvent } from '#contracts/event.ts'
import { historyKey } from './queue-names.ts'
import { decodeReplies, encodeReplies, type ReplyEntry } from './reply-codec.ts'

/** How long a detached job's events are kept after its end, and at most while it waits and runs. */
const keptAfterEndMs = 2 * 60_000
const keptWhileRunningMs = 24 * 3600_000

export type JobHistory = { owner: string; entries: ReplyEntry[] }

/** Begins to keep the events of a detached job. */
export async function openHistory(redis: Redis, jobId: string, owner: string): Promise<void> {
  const key = historyKey(jobId)
  await redis.multi().xadd(key, '*', 'owner', owner).pexpire(key, keptWhileRunningMs).exec()
}

/** Adds what one tick brought to a job's history, as part of a transaction. */
export function appendHistory(transaction: ChainableCommander, entry: ReplyEntry): ChainableCommander {
  const key = historyKey(entry.jobId)
  const ttl = entry.events.some(isLastEvent) ? keptAfterEndMs : keptWhileRunningMs
  return transaction.xadd(key, '*', 'r', encodeReplies([{ ...entry, receipt: undefined }])).pexpire(key, ttl)
}

/** Everything a detached job sent so far; undefined when nothing of this job is kept. */
export async function readHistory(redis: Redis, jobId: string): Promise<JobHistory | undefined> {
  const [first, ...rest] = (await redis.xrange(historyKey(jobId), '-', '+')) as [string, string[]][]
  const owner = first?.[1][0] === 'owner' ? first[1][1] : undefined
  return owner === undefined ? undefined : { owner, entries: rest.flatMap(([, fields]) => decodeReplies(fields[1] ?? '')) }
}
