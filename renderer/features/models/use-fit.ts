import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import type { ModelStatus } from '#contracts/model.ts'
import { call, type Reply } from '../../api.ts'

/** Whether a model fits the memory that is free now; asked again when its state changes, for that changes what is free. */
export function useFit({ id, state }: Pick<ModelStatus, 'id' | 'state'>): UseQueryResult<Reply<'fitModel'>> {
  return useQuery({
    queryKey: ['fit', id, state === 'pulling' ? 'absent' : state],
    queryFn: ({ signal }) => call('fitModel', { params: { id } }, signal),
    staleTime: 60_000
  })
}
