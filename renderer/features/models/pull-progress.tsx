import type { PullStatus } from '#contracts/pull.ts'
import { useLanguage } from '../../text/text.ts'
import { Facts } from '../../ui/facts.tsx'
import { Progress } from '../../ui/progress.tsx'
import styles from './models.module.css'
import { modelsText } from './text.ts'

/** How far a download is, how fast, from where, and which places had nothing good. */
export function PullProgress({ name, pull }: { name: string; pull: PullStatus }) {
  const t = modelsText.useText()
  const { formats } = useLanguage()
  const { received, total, bytesPerSecond, msLeft, source, file, failures } = pull
  const amount = total === null ? formats.size(received) : t('progress-text', { received: formats.size(received), total: formats.size(total) })
  return (
    <section className={styles.pull} aria-label={t('progress', { name })}>
      <Progress label={t('progress', { name })} value={total === null || total === 0 ? null : (received / total) * 100} text={amount} />
      <p className={styles.numbers}>
        <span>{amount}</span>
        {bytesPerSecond === null || msLeft === null ? null : (
          <span>{t('progress-rate', { rate: formats.rate(bytesPerSecond), time: formats.duration(msLeft) })}</span>
        )}
      </p>
      <Facts
        facts={[
          [t('source'), source],
          [t('file'), file]
        ]}
      />
      {failures.map((failure) => (
        <p key={`${failure.file} ${failure.source}`} className={styles.quiet}>
          {t('source-failed', { source: failure.source, reason: failure.reason })}
        </p>
      ))}
    </section>
  )
}
