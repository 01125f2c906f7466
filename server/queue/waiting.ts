import type { Redis } from 'ioredis'
import type { Lane } from '#contracts/job.ts'
import type { LiveJobs } from './live-jobs.ts'
import type { ModelQueues } from './model-queues.ts'
import { queueKey } from './queue-names.ts'

const positionEveryMs = 500

export type WaitingJob = {
  jobId: string
  clientId: string
  kind: string
  lane: Lane
  state: 'waiting' | 'running'
  /** From 1; null while running. */
  position: number | null
  etaMs: number | null
  submittedAt: number
}
/** `waiting` and `running` count the jobs of all gateways, `lanes` and `jobs` are this gateway's own. */
export type QueueSnapshot = { model: string; waiting: number; running: number; slots: number; lanes: Record<Lane, number>; jobs: WaitingJob[] }

/** Tells every waiting job its place in the queue, twice a second while there is one. */
export function startTellingPositions(
  live: LiveJobs,
  redis: Redis,
  waitOf: (model: string) => { reason: string } | undefined = () => undefined
): { stop(): void } {
  const tell = async () => {
    const pending = live.all().filter((entry) => !entry.started && entry.listeners.size > 0)
    if (pending.length === 0) return
    const pipeline = redis.pipeline()
    for (const entry of pending) pipeline.zrank(queueKey(entry.model, 'prioritized'), entry.jobId)
    const ranks = (await pipeline.exec()) ?? []
    pending.forEach((entry, i) => {
      const rank = ranks[i]?.[1]
      if (typeof rank !== 'number' || entry.started || live.get(entry.jobId) === undefined) return
      const wait = waitOf(entry.model)
      const event = { type: 'job-queued', position: rank + 1, etaMs: live.etaMs(entry.model, rank + 1) } as const
      live.tell(entry, wait === undefined ? event : { ...event, reason: wait.reason })
    })
  }
  const timer = setInterval(() => {
    // Redis being away is told elsewhere.
    if (live.size > 0) tell().catch(() => {})
  }, positionEveryMs).unref()
  return { stop: () => clearInterval(timer) }
}

/** What waits and runs, for each model that ever had a job. */
export async function lookAtQueues(live: LiveJobs, queues: ModelQueues, slotsOf: (model: string) => number): Promise<QueueSnapshot[]> {
  const own = Map.groupBy(live.all(), ({ model }) => model)
  return await Promise.all(
    (await queues.models()).map(async (model) => {
      const [ids, active] = await Promise.all([queues.waiting(model), queues.active(model)])
      const lanes: Record<Lane, number> = { interactive: 0, planning: 0, normal: 0, batch: 0 }
      const place = new Map(ids.map((id, i) => [id, i + 1]))
      const jobs = (own.get(model) ?? []).map((entry): WaitingJob => {
        const { clientId, kind, lane, submittedAt } = entry.job
        if (!entry.started) lanes[lane]++
        const position = place.get(entry.jobId) ?? null
        const etaMs = position === null ? null : live.etaMs(model, position)
        return { jobId: entry.jobId, clientId, kind, lane, submittedAt, state: entry.started ? 'running' : 'waiting', position, etaMs }
      })
      return { model, waiting: ids.length, running: active.length, slots: slotsOf(model), lanes, jobs }
    })
  )
}
