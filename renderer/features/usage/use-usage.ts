import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import type { UsageReply } from '#contracts/api.ts'
import { type ApiError, call } from '../../api.ts'
import { useFrameText } from '../../messages/text.ts'
import { useMay } from '../../session/session.ts'
import { periodFrom } from './usage-csv.ts'

const rowsOfPage = 50

/** Sums of a period. */
export function useUsageGroups(by: Exclude<UsageReply['by'], 'request'>, from: number | undefined) {
  const { data, error } = useQuery({ queryKey: ['usage', by, from], queryFn: () => call('usage', { query: { by, ...periodFrom(from) } }) })
  return { groups: data?.groups, error: error as ApiError | null } // Calls throw nothing else.
}

/** The requests of a period, newest first; `more` fetches the next ones. */
export function useUsageRows(from: number | undefined) {
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery({
    queryKey: ['usage', 'request', from],
    queryFn: ({ pageParam }) =>
      call('usage', {
        query: { by: 'request', limit: String(rowsOfPage), ...periodFrom(from), ...(pageParam === undefined ? {} : { before: String(pageParam) }) }
      }),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: ({ rows }) => (rows.length < rowsOfPage ? undefined : rows.at(-1)?.id)
  })
  return {
    rows: data?.pages.flatMap(({ rows }) => rows),
    error: error as ApiError | null, // As above.
    hasMore: hasNextPage,
    isBusy: isFetchingNextPage,
    more: () => void fetchNextPage()
  }
}

/** What a client is called: a key by its name, and those who need none. */
export function useClientName(): (clientId: string) => string {
  const frame = useFrameText()
  const { data } = useQuery({ queryKey: ['keys'], queryFn: () => call('keys'), enabled: useMay()('keys') })
  return (clientId) => {
    if (clientId === 'local') return frame('without-key')
    if (clientId === 'owner') return frame('role-owner')
    return data?.keys.find(({ id }) => id === clientId)?.name ?? clientId
  }
}
