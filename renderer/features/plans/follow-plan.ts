import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { PlanProgress, PlanStreamEvent } from '#contracts/plan-api.ts'
import { ApiError, call, stream } from '../../api.ts'
import { backoffMs } from '../../live/backoff.ts'
import { usePlace } from './place.ts'
import { isEnded } from './plan-list.ts'

const paceMs = 150

/** A plan with its graph and timeline as they stand now. */
export function usePlanRoom(id: string) {
  const { query } = usePlace()
  return useQuery({
    queryKey: ['plan-room', id, query],
    queryFn: async ({ signal }) => {
      const input = { params: { id }, query }
      const [{ plan, services }, graph, timeline] = await Promise.all([
        call('plan', input, signal),
        call('planGraph', input, signal),
        call('planTimeline', input, signal)
      ])
      return { plan, services, graph, timeline }
    }
  })
}
export type PlanRoomData = NonNullable<ReturnType<typeof usePlanRoom>['data']>

/** Whether something of a plan still happens: it runs, or what it did is being taken back. */
export function isMoving({ plan, timeline }: Pick<PlanRoomData, 'plan' | 'timeline'>): boolean {
  return !isEnded(plan.status) || timeline.compensations.some(({ state }) => state === 'pending' || state === 'running' || state === 'retrying')
}

/** Follows a plan as long as something happens to it, and has its room drawn anew. Returns how its planning goes. */
export function useFollowedPlan(id: string, isFollowed: boolean): PlanProgress | undefined {
  const { project } = usePlace()
  const client = useQueryClient()
  const [progress, setProgress] = useState<PlanProgress>()
  useEffect(() => {
    if (!isFollowed) return
    const controller = new AbortController()
    const { signal } = controller
    let timer: ReturnType<typeof setTimeout> | undefined
    const lookAgain = () => {
      timer ??= setTimeout(() => {
        timer = undefined
        void client.invalidateQueries({ queryKey: ['plan-room', id] })
      }, paceMs)
    }
    const hear = (event: PlanStreamEvent) => {
      if (event.type === 'plan-progress') setProgress(event.progress)
      else lookAgain()
    }
    void follow(id, project, signal, hear)
    return () => {
      controller.abort()
      clearTimeout(timer)
      setProgress(undefined)
    }
  }, [client, id, project, isFollowed])
  return progress
}

/** Until the plan is settled; a connection that breaks is made again, from where it was. */
async function follow(id: string, project: string | undefined, signal: AbortSignal, hear: (event: PlanStreamEvent) => void): Promise<void> {
  let lastEventId: string | undefined
  const input = { params: { id }, query: project === undefined ? {} : { project } }
  for (let failures = 0; !signal.aborted; ) {
    try {
      for await (const { id: eventId, data } of stream('followPlan', input, { signal, lastEventId })) {
        failures = 0
        if (eventId !== undefined) lastEventId = eventId
        const event = JSON.parse(data) as PlanStreamEvent // The server makes it from the same contract.
        hear(event)
        if (event.type === 'plan-status' && event.settled) return
      }
    } catch (error) {
      if (error instanceof ApiError && error.status >= 400 && error.status < 500) return
    }
    failures++
    await new Promise<void>((resolve) => {
      setTimeout(resolve, backoffMs(failures))
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }
}
