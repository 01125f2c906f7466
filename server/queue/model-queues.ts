import { Job as BullJob, Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { modelOfQueue, queueKey, queueName, queuesKey } from './queue-names.ts'
import { keyPrefix } from './redis.ts'

/** BullMQ's queues, one for each model, on one connection. */
export type ModelQueues = {
  of(model: string): Queue
  /** After a failure: BullMQ keeps the failure of a queue that was made while the connection was down. */
  renew(model: string): void
  /** Models that ever had a job. */
  models(): Promise<string[]>
  /** Ids of the jobs that some worker holds. */
  active(model: string): Promise<string[]>
  /** Ids of the jobs that wait, the next one first. */
  waiting(model: string): Promise<string[]>
  /** One field of a stored job: `data`, or `pb`, the worker that took it. */
  field(model: string, jobId: string, name: 'data' | 'pb'): Promise<string | null>
  /** Takes a job off the active list, where a dead worker left it. */
  dropActive(model: string, jobId: string): Promise<void>
  /** Puts a job that a dead worker held back into its place. Returns the number its next run will have; undefined: the job is gone. */
  putBack(model: string, jobId: string): Promise<number | undefined>
  close(): Promise<void>
}

export function createModelQueues(redis: Redis): ModelQueues {
  const queues = new Map<string, Queue>()
  const lockOf = (model: string, jobId: string) => `${queueKey(model, jobId)}:lock`

  const of = (model: string): Queue => {
    const known = queues.get(model)
    if (known !== undefined) return known
    const queue = new Queue(queueName(model), {
      connection: redis,
      prefix: keyPrefix,
      skipWaitingForReady: true,
      // `checkRedis` has done it.
      skipVersionCheck: true,
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
      // Nobody listens to BullMQ's own events.
      streams: { events: { maxLen: 0 } }
    })
    queue.on('error', () => {})
    queues.set(model, queue)
    redis.sadd(queuesKey, queueName(model)).catch(() => renew(model))
    return queue
  }
  const renew = (model: string) => {
    const queue = queues.get(model)
    if (!queues.delete(model)) return
    queue?.close().catch(() => {})
  }

  return {
    of,
    renew,
    async models() {
      return (await redis.smembers(queuesKey)).map(modelOfQueue).sort()
    },
    active: (model) => redis.lrange(queueKey(model, 'active'), 0, -1),
    waiting: (model) => redis.zrange(queueKey(model, 'prioritized'), '0', '-1'),
    field: (model, jobId, name) => redis.hget(queueKey(model, jobId), name),
    async dropActive(model, jobId) {
      const job = await BullJob.fromId(of(model), jobId)
      // '0' is BullMQ's word for "without a lock": it may have run out on a machine that was off.
      await job?.moveToFailed(new Error('worker lost'), (await redis.get(lockOf(model, jobId))) ?? '0')
    },
    async putBack(model, jobId) {
      const job = await BullJob.fromId(of(model), jobId)
      if (job === undefined) return undefined
      const token = (await redis.get(lockOf(model, jobId))) ?? 'recovered'
      // BullMQ moves only what is locked.
      await redis.set(lockOf(model, jobId), token, 'PX', 60_000)
      await job.moveToWait(token)
      // It puts a job back without waking the workers that wait.
      await redis.zadd(queueKey(model, 'marker'), 0, '0')
      return job.attemptsStarted + 1
    },
    async close() {
      await Promise.all([...queues.values()].map((queue) => queue.close().catch(() => {})))
    }
  }
}
