import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import type { PlanStatus } from '#contracts/plan.ts'
import { call } from '../../api.ts'
import { onLiveEvent } from '../../live/live.ts'
import { useMay } from '../../session/session.ts'
import { usePlace } from './place.ts'

const pageRows = '50'
/** Events that come together are one reason to ask again. */
const paceMs = 150

/** Plans, newest first, page by page; asked for again when the server tells that one changed. */
export function usePlans(status: PlanStatus | 'all') {
  const { query } = usePlace()
  const client = useQueryClient()
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const stop = onLiveEvent(({ type }) => {
      if (type !== 'plan' && type !== 'reset') return
      timer ??= setTimeout(() => {
        timer = undefined
        void client.invalidateQueries({ queryKey: ['plans'] })
      }, paceMs)
    })
    return () => {
      clearTimeout(timer)
      stop()
    }
  }, [client])
  return useInfiniteQuery({
    queryKey: ['plans', query, status],
    queryFn: ({ signal, pageParam }) =>
      call(
        'plans',
        { query: { ...query, limit: pageRows, ...(status === 'all' ? {} : { status }), ...(pageParam === '' ? {} : { before: pageParam }) } },
        signal
      ),
    initialPageParam: '',
    getNextPageParam: ({ next }) => next
  })
}

/** Projects to choose from; none for who has only one. */
export function useProjects() {
  const may = useMay()
  return useQuery({ queryKey: ['plan-projects'], queryFn: ({ signal }) => call('projects', undefined, signal), enabled: may('projects') })
}

/** Services of the project, whose health is looked at again while they are seen. */
export function useServices() {
  const { query } = usePlace()
  return useQuery({
    queryKey: ['plan-services', query],
    queryFn: ({ signal }) => call('services', { query }, signal),
    refetchInterval: 5000
  })
}
