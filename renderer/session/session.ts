import { QueryClient, useQuery } from '@tanstack/react-query'
import type { EndpointName } from '#contracts/api.ts'
import type { SessionReply } from '#contracts/session.ts'
import { ApiError, call } from '../api.ts'
import { followAnew } from '../live/live.ts'

/** Answers of the server that are asked for, not pushed. What it refused is not asked for again. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: { retry: (failures, error) => error instanceof ApiError && error.code === 'unreachable' && failures < 3, staleTime: 10_000 }
  }
})

const sessionKey = ['session']
const sessionQuery = { queryKey: sessionKey, queryFn: () => call('session'), staleTime: Number.POSITIVE_INFINITY }

export type SessionState =
  | { type: 'unknown' }
  /** It wants to know who this is before it says anything. */
  | { type: 'refused'; error: ApiError }
  | { type: 'known'; session: SessionReply }

/** Who the server takes this browser for. */
export function useSession(): SessionState {
  const { data, error } = useQuery(sessionQuery)
  if (error instanceof ApiError && error.status === 401) return { type: 'refused', error }
  return data === undefined ? { type: 'unknown' } : { type: 'known', session: data }
}

/** Begins to ask, before anything is drawn that needs to know. */
export const prepareSession = (): Promise<void> => queries.prefetchQuery(sessionQuery)

/** What this browser may do: `may('pullModel')`. Nothing as long as that is not known. */
export function useMay(): (name: EndpointName) => boolean {
  const state = useSession()
  return (name) => state.type === 'known' && state.session.may.includes(name)
}

/** By a link's token or a key. Throws `ApiError`. */
export async function signIn(by: { token: string } | { key: string }): Promise<SessionReply> {
  const session = await call('signIn', { body: by })
  changeSession(session)
  return session
}

export async function signOut(): Promise<void> {
  await call('signOut')
  followAnew()
  await queries.resetQueries()
}

/** Asks again who this is; the answer may be another one since the connection was lost, or something was refused. */
export async function askWhoIAm(): Promise<void> {
  await queries.invalidateQueries({ queryKey: sessionKey })
}

/** The token of a sign-in link, taken out of the address so that it stays in no history; undefined: this is no such link. */
export function takeToken(): string | undefined {
  const token = /^#sign-in=([\w-]+)$/.exec(window.location.hash)?.[1]
  if (token !== undefined) window.history.replaceState(null, '', window.location.pathname)
  return token
}

/** What another one was told is forgotten. */
function changeSession(session: SessionReply): void {
  queries.setQueryData(sessionKey, session)
  followAnew()
  void queries.resetQueries({ predicate: ({ queryKey }) => queryKey[0] !== sessionKey[0] })
}
