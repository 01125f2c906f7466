import { useLanguage } from '../../text/text.ts'
import { cachedPercent, sumOf } from './sums.ts'
import { usageText } from './text.ts'
import styles from './usage.module.css'
import { useUsageGroups } from './use-usage.ts'

/** The few numbers that say how a period was. */
export function SumsOfPeriod({ from }: { from: number | undefined }) {
  const t = usageText.useText()
  const { formats } = useLanguage()
  const { groups } = useUsageGroups('model', from)
  const sums = groups === undefined ? undefined : sumOf(groups)
  const facts = [
    [t('requests'), sums && formats.number(sums.requests)],
    [t('errors'), sums && formats.number(sums.errors)],
    [t('prompt'), sums && formats.number(sums.promptTokens)],
    [t('cached'), sums && formats.percent(cachedPercent(sums))],
    [t('output'), sums && formats.number(sums.completionTokens)],
    [t('mean-wait'), sums && (sums.meanQueueMs === null ? '–' : formats.duration(sums.meanQueueMs))]
  ] as const
  return (
    <dl className={styles.sums}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value ?? '\u00A0'}</dd>
        </div>
      ))}
    </dl>
  )
}
