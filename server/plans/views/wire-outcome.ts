import type { Json, PlanRecord } from '#contracts/plan.ts'

type Ended = Pick<PlanRecord, 'id' | 'failure'>

/** Why a plan did not end well, as the protocol says it: an object where a task failed, otherwise a sentence. Undefined: nothing went wrong. */
export function wireError({ id, failure }: Ended): Json | undefined {
  if (failure === null) return undefined
  const { code, message, task, service } = failure
  return task === undefined || code === 'aborted' ? message : { id, producer: service ?? task, error: message }
}

/** Results as the protocol has them: of a plan that failed while it ran, one that is null. Null: there are none. */
export function wireResults({ status, plan, results }: Pick<PlanRecord, 'status' | 'plan' | 'results'>): Json[] | null {
  if (status === 'completed') return results ?? []
  return status === 'failed' && plan !== null ? [null] : null
}
