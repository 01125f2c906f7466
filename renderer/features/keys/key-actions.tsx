import { Ban, Ellipsis, RefreshCw } from 'lucide-react'
import { useState } from 'react'
import type { Key } from '#contracts/key.ts'
import { call } from '../../api.ts'
import { useFrameText } from '../../messages/text.ts'
import { useLanguage } from '../../text/text.ts'
import { Button, IconButton } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Menu } from '../../ui/menu.tsx'
import { showError, showToast } from '../../ui/toast-store.ts'
import type { Fresh } from './fresh-key.tsx'
import { keysText } from './text.ts'
import { keepKey } from './use-keys.ts'

/** New secret, or end. Both are asked for because neither can be taken back. A revoked key has nothing left to do. */
export function KeyActions({ of: key, onRotated }: { of: Key; onRotated: (fresh: Fresh) => void }) {
  const t = keysText.useText()
  const frame = useFrameText()
  const { formats } = useLanguage()
  const [asked, setAsked] = useState<'rotate' | 'revoke'>()
  const [isBusy, setBusy] = useState(false)
  const { name } = key
  const close = () => setAsked(undefined)
  const used =
    key.lastUsedAt === null
      ? t('lost-unused', { prefix: key.prefix })
      : t('lost-used', { prefix: key.prefix, time: formats.time(Date.parse(key.lastUsedAt)) })

  const run = async (what: 'rotate' | 'revoke') => {
    setBusy(true)
    try {
      if (what === 'rotate') {
        const fresh = await call('rotateKey', { params: { id: key.id } })
        keepKey(fresh.key)
        onRotated(fresh)
      } else {
        keepKey((await call('revokeKey', { params: { id: key.id } })).key)
        showToast(t('revoked-key', { name }))
      }
    } catch (error) {
      showError(t(`failed-${what}`, { name }), error)
    } finally {
      setBusy(false)
      close()
    }
  }

  if (key.revokedAt !== null) return null
  return (
    <>
      <Menu
        trigger={<IconButton size="small" label={t('more', { name })} icon={<Ellipsis />} />}
        entries={[
          { id: 'rotate', label: t('rotate'), icon: <RefreshCw />, run: () => setAsked('rotate') },
          { id: 'revoke', label: t('revoke'), icon: <Ban />, danger: true, run: () => setAsked('revoke') }
        ]}
      />
      {(['rotate', 'revoke'] as const).map((what) => (
        <Dialog
          key={what}
          open={asked === what}
          onClose={close}
          title={t(`title-${what}`, { name })}
          description={`${t(`text-${what}`)} ${used}`}
          actions={
            <>
              <Button onClick={close}>{frame('cancel')}</Button>
              <Button kind="danger" disabled={isBusy} onClick={() => void run(what)}>
                {t(what)}
              </Button>
            </>
          }
        />
      ))}
    </>
  )
}
