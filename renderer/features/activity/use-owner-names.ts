import { useQuery } from '@tanstack/react-query'
import { call } from '../../api.ts'
import { useMay, useSession } from '../../session/session.ts'
import { activityText } from './text.ts'

/** Whose a request is, in words: oneself, a key's name where one may see keys, else the id. */
export function useOwnerNames(): { nameOf: (clientId: string) => string; isOwn: (clientId: string) => boolean } {
  const t = activityText.useText()
  const may = useMay()
  const session = useSession()
  const { data } = useQuery({ queryKey: ['keys'], queryFn: ({ signal }) => call('keys', undefined, signal), enabled: may('keys'), staleTime: 60_000 })
  const ownId = session.type === 'known' ? session.session.client.id : undefined
  const names = new Map(data?.keys.map(({ id, name }) => [id, name]))
  const nameOf = (clientId: string) => {
    if (clientId === ownId) return t('you')
    if (clientId === 'local') return t('local')
    if (clientId === 'owner') return t('owner')
    return names.get(clientId) ?? clientId
  }
  return { nameOf, isOwn: (clientId) => clientId === ownId }
}
