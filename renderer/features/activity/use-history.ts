import { useInfiniteQuery } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import type { ApiError } from '../../api.ts'
import { call } from '../../api.ts'
import { useLive } from '../../live/live.ts'
import { loadOf } from '../../live/live-state.ts'
import { useMay } from '../../session/session.ts'
import type { PastRequest } from './request-history.ts'

const pageRows = 50
/** What begins and ends between two events of the queues is not told, so it is looked for now and then. */
const lookEveryMs = 10_000

export type History = {
  /** The newest first; undefined: not known yet. */
  rows: readonly PastRequest[] | undefined
  error: ApiError | null
  hasOlder: boolean
  isFetchingOlder: boolean
  fetchOlder(): void
}

/** Requests that ended, page by page. Nothing is asked for by who may not see them. */
export function useHistory(): History {
  const may = useMay()
  const query = useInfiniteQuery({
    queryKey: ['usage', 'request'],
    queryFn: ({ pageParam, signal }) =>
      call('usage', { query: { by: 'request', limit: String(pageRows), ...(pageParam === undefined ? {} : { before: String(pageParam) }) } }, signal),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: ({ rows }) => (rows.length < pageRows ? undefined : rows.at(-1)?.id),
    enabled: may('usage'),
    refetchInterval: lookEveryMs
  })
  useRefreshAtEnds(query.refetch, may('usage'))
  return {
    rows: query.data?.pages.flatMap(({ rows }) => rows),
    error: query.error as ApiError | null, // `call` throws nothing else.
    hasOlder: query.hasNextPage,
    isFetchingOlder: query.isFetchingNextPage,
    fetchOlder: () => void query.fetchNextPage()
  }
}

/** Looks again when fewer wait and run than before. */
function useRefreshAtEnds(refetch: () => unknown, enabled: boolean): void {
  const count = useLive((state) => {
    const { waiting, running } = loadOf(state)
    return waiting + running
  })
  const before = useRef(count)
  useEffect(() => {
    const last = before.current
    before.current = count
    if (enabled && count < last) void refetch()
  }, [count, enabled, refetch])
}
