import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { ApiError } from '../../api.ts'
import { ErrorNote } from '../../ui/error-note.tsx'
import { Skeleton } from '../../ui/skeleton.tsx'
import { plansText } from './text.ts'

/** What was asked for, once it is there; until then that it comes, or why it does not. */
export function Asked<Data>({ answer, children }: { answer: UseQueryResult<Data>; children: (data: Data) => ReactNode }) {
  const t = plansText.useText()
  if (answer.data !== undefined) return children(answer.data)
  return answer.error instanceof ApiError ? <ErrorNote title={t('load-failed')} error={answer.error} /> : <Skeleton />
}
