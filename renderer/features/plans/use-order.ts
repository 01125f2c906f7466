import { useQueryClient } from '@tanstack/react-query'
import { showError } from '../../ui/toast-store.ts'
import { plansText } from './text.ts'

/** Has the server do something and what it changed asked for again; says so when it was refused. */
export function useOrder(queryKey: string): (act: () => Promise<unknown>) => Promise<void> {
  const t = plansText.useText()
  const client = useQueryClient()
  return async (act) => {
    try {
      await act()
    } catch (error) {
      showError(t('order-failed'), error)
    }
    await client.invalidateQueries({ queryKey: [queryKey] })
  }
}
