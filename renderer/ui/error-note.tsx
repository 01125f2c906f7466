import type { ApiError } from '../api.ts'
import { useFrameText } from '../messages/text.ts'
import { CopyButton } from './copy-button.tsx'
import styles from './error-note.module.css'

/** What happened, why and what to do, with what a helper will ask for: code and request id. */
export function ErrorNote({ title, error }: { title: string; error: ApiError }) {
  const t = useFrameText()
  const isAway = error.code === 'unreachable'
  const facts = [error.code, error.requestId].filter((fact) => fact !== undefined).join(' · ')
  return (
    <div className={styles.error}>
      <p className={styles.title}>{title}</p>
      <p>{isAway ? t('error-unreachable') : error.message}</p>
      <p className={styles.facts}>
        <code>{facts}</code>
        <CopyButton text={`${error.code} ${error.requestId ?? ''} ${error.message}`} what={t('copy-error')} />
      </p>
    </div>
  )
}
