import { useEffect, useRef } from 'react'
import type { Key } from '#contracts/key.ts'
import { useLive } from '../../live/live.ts'
import { Button } from '../../ui/button.tsx'
import { CommandLine } from '../../ui/command-line.tsx'
import { CopyButton } from '../../ui/copy-button.tsx'
import { firstCall } from './first-call.ts'
import styles from './keys.module.css'
import { keysText } from './text.ts'

export type Fresh = { key: Key; secret: string }

/** A secret, this once, with a line that tries it. It is kept nowhere else in this browser, and gone when this is closed. */
export function FreshKey({ fresh: { key, secret }, onClose }: { fresh: Fresh; onClose: () => void }) {
  const t = keysText.useText()
  const model = useLive(({ models }) => models.find(({ kind, state }) => kind === 'chat' && state === 'ready')?.id)
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [])
  return (
    <section className={styles.fresh} aria-label={t('fresh-title', { name: key.name })}>
      <h2 ref={heading} tabIndex={-1}>
        {t('fresh-title', { name: key.name })}
      </h2>
      <p>{t('fresh-text')}</p>
      <p className={styles.secret} dir="ltr">
        <code>{secret}</code>
        <CopyButton text={secret} what={t('copy')} />
      </p>
      <p className={styles.quiet}>{t('try-it')}</p>
      <div>
        <CommandLine command={firstCall({ origin: window.location.origin, secret, role: key.role, model })} />
      </div>
      <div className={styles.formEnd}>
        <Button onClick={onClose}>{t('fresh-done')}</Button>
      </div>
    </section>
  )
}
