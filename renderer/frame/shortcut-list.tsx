import { useFrameText } from '../messages/text.ts'
import { Dialog } from '../ui/dialog.tsx'
import { KeyHint } from '../ui/key-hint.tsx'
import { useAllActions } from './actions.ts'
import styles from './shortcut-list.module.css'

/** Every shortcut that works here and now. */
export function ShortcutList({ open, onClose }: { open: boolean; onClose: () => void }) {
  const t = useFrameText()
  const actions = useAllActions().filter(({ shortcut }) => shortcut !== undefined)
  const rows = [
    ...actions.map(({ title, shortcut = '' }) => [title, shortcut] as const),
    [t('shortcut-notices'), 'F6'] as const,
    [t('shortcut-close'), 'escape'] as const
  ]
  return (
    <Dialog open={open} onClose={onClose} title={t('shortcuts')}>
      <dl className={styles.list}>
        {rows.map(([title, shortcut]) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd>
              <KeyHint shortcut={shortcut} />
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
