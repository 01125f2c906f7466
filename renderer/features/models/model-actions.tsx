import { CircleStop, Download, Ellipsis, Pin, PinOff, Play, Power, Trash2 } from 'lucide-react'
import { useState } from 'react'
import type { ModelStatus } from '#contracts/model.ts'
import { useFrameText } from '../../messages/text.ts'
import { useLanguage } from '../../text/text.ts'
import { Button, IconButton } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Menu, type MenuEntry } from '../../ui/menu.tsx'
import type { Order } from './model-list.ts'
import styles from './models.module.css'
import { modelsText } from './text.ts'
import { useModelOrders } from './use-orders.ts'

const icons: Record<Exclude<Order, 'remove'>, typeof Play> = { pull: Download, stop: CircleStop, load: Play, unload: Power }

/** The one thing one mostly wants of a model in its state, and the rest in a menu. Nothing for who may only look. */
export function ModelActions({ model, inRow = false }: { model: ModelStatus; inRow?: boolean }) {
  const t = modelsText.useText()
  const { possible, mayPin, give, setPinned } = useModelOrders(model)
  // Undefined: never asked, so that a long list is not a long list of dialogs.
  const [isRemoving, setRemoving] = useState<boolean>()
  const main = possible.find((order): order is keyof typeof icons => order !== 'remove')
  const Icon = main === undefined ? undefined : icons[main]
  const more: MenuEntry[] = []
  if (mayPin) {
    const { pinned } = model
    more.push({ id: 'pin', label: pinned ? t('unpin') : t('pin'), icon: pinned ? <PinOff /> : <Pin />, run: () => setPinned(!pinned) })
  }
  if (possible.includes('remove')) more.push({ id: 'remove', label: t('remove'), icon: <Trash2 />, danger: true, run: () => setRemoving(true) })
  return (
    <>
      {main === undefined || Icon === undefined ? null : (
        <Button
          kind={inRow ? 'plain' : 'normal'}
          size="small"
          icon={<Icon aria-hidden />}
          onClick={() => give(main)}
          aria-label={`${t(main)} ${model.name}`}
        >
          <span className={styles.word}>{t(main)}</span>
        </Button>
      )}
      {more.length === 0 ? null : (
        <Menu trigger={<IconButton size="small" label={t('more', { name: model.name })} icon={<Ellipsis />} />} entries={more} />
      )}
      {isRemoving === undefined ? null : (
        <RemoveDialog
          model={model}
          open={isRemoving}
          onClose={() => setRemoving(false)}
          onRemove={() => {
            setRemoving(false)
            give('remove')
          }}
        />
      )}
    </>
  )
}

/** Asked because it cannot be undone; it names what is lost. */
function RemoveDialog({ model, open, onClose, onRemove }: { model: ModelStatus; open: boolean; onClose: () => void; onRemove: () => void }) {
  const t = modelsText.useText()
  const frame = useFrameText()
  const { formats } = useLanguage()
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title={t('remove-title', { name: model.name })}
      description={model.trust === 'owner' ? t('remove-owner-text') : t('remove-text', { size: formats.size(model.size) })}
      actions={
        <>
          <Button onClick={onClose}>{frame('cancel')}</Button>
          <Button kind="danger" onClick={onRemove}>
            {t('remove')}
          </Button>
        </>
      }
    />
  )
}
