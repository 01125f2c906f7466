import { ChartNoAxesColumn } from 'lucide-react'
import { Button } from '../../ui/button.tsx'
import { EmptyState } from '../../ui/empty-state.tsx'
import { usageText } from './text.ts'

/** No request in this period; `onAll` looks further back, where there is something to look back on. */
export function NothingUsed({ onAll }: { onAll: (() => void) | undefined }) {
  const t = usageText.useText()
  return (
    <EmptyState
      icon={<ChartNoAxesColumn aria-hidden />}
      title={t('empty-title')}
      action={onAll === undefined ? undefined : <Button onClick={onAll}>{t('show-all')}</Button>}
    >
      {t('empty-text')}
    </EmptyState>
  )
}
