import { keyPrefix } from './redis.ts'

/** BullMQ forbids colons in queue names; model ids may have them. */
export function queueName(model: string): string {
  return model.replaceAll('%', '%25').replaceAll(':', '%3A')
}

export function modelOfQueue(name: string): string {
  return name.replaceAll('%3A', ':').replaceAll('%25', '%')
}

/** Set of the names of all queues that ever had a job. */
export const queuesKey = `${keyPrefix}:queues`
/** Reply stream of one gateway: every event of every job it asked for. */
export const replyKey = (gateway: string) => `${keyPrefix}:reply:${gateway}`
/** Everything a detached job sent, for readers that come back. First entry: its owner. */
export const historyKey = (jobId: string) => `${keyPrefix}:history:${jobId}`
/** Channel on which a model's workers hear which jobs to stop. */
export const cancelChannel = (model: string) => `${keyPrefix}:cancel:${queueName(model)}`
/** BullMQ's own keys of one queue. */
export const queueKey = (model: string, part: string) => `${keyPrefix}:${queueName(model)}:${part}`
