import { useLanguage } from '../../text/text.ts'

import { Skeleton } from '../../ui/skeleton.tsx'
import { Cell, Table } from '../../ui/table.tsx'
import { NothingUsed } from './nothing-used.tsx'
import { cachedPercent, tokensOf, type UsageGroup } from './sums.ts'
import { Failure, NumberHead } from './table-parts.tsx'
import { usageText } from './text.ts'
import styles from './usage.module.css'
import { useUsageGroups } from './use-usage.ts'

/** Sums by key, model or day; the bar compares tokens within the table. */
export function GroupTable({
  by,
  from,
  nameOf,
  onAll
}: {
  by: 'key' | 'model' | 'day'
  from: number | undefined
  nameOf: (clientId: string) => string
  onAll: () => void
}) {
  const t = usageText.useText()
  const { formats, language } = useLanguage()
  const { groups, error } = useUsageGroups(by, from)
  if (groups === undefined) return error === null ? <Skeleton rows={5} /> : <Failure error={error} />
  if (groups.length === 0) return <NothingUsed onAll={from === undefined ? undefined : onAll} />
  const most = Math.max(1, ...groups.map(tokensOf))
  const day = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeZone: 'UTC' })
  const called = ({ group }: UsageGroup) => (by === 'key' ? nameOf(group) : by === 'day' ? day.format(Date.parse(group)) : group)
  return (
    <div className={styles.list}>
      <Table label={t(`by-${by}`)} className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{t(by)}</th>
            <NumberHead>{t('tokens')}</NumberHead>
            <NumberHead>{t('requests')}</NumberHead>
            <NumberHead className={styles.errors}>{t('errors')}</NumberHead>
            <NumberHead className={styles.prompt}>{t('prompt')}</NumberHead>
            <NumberHead className={styles.cached}>{t('cached')}</NumberHead>
            <NumberHead className={styles.output}>{t('output')}</NumberHead>
            <NumberHead className={styles.wait}>{t('mean-wait')}</NumberHead>
            <NumberHead className={styles.ttft}>{t('mean-ttft')}</NumberHead>
          </tr>
        </thead>
        <tbody>
          {(by === 'day' ? groups.toReversed() : groups).map((group) => (
            <tr key={group.group}>
              <th scope="row" className={styles.name} title={called(group)}>
                <bdi>{called(group)}</bdi>
              </th>
              <Cell numeric>
                <span className={styles.bar} aria-hidden="true">
                  <span style={{ inlineSize: `${(100 * tokensOf(group)) / most}%` }} />
                </span>
                {formats.number(tokensOf(group))}
              </Cell>
              <Cell numeric>{formats.number(group.requests)}</Cell>
              <Cell numeric className={styles.errors}>
                {formats.number(group.errors)}
              </Cell>
              <Cell numeric className={styles.prompt}>
                {formats.number(group.promptTokens)}
              </Cell>
              <Cell numeric className={styles.cached}>
                {formats.percent(cachedPercent(group))}
              </Cell>
              <Cell numeric className={styles.output}>
                {formats.number(group.completionTokens)}
              </Cell>
              <Cell numeric className={styles.wait}>
                {formats.duration(group.meanQueueMs)}
              </Cell>
              <Cell numeric className={styles.ttft}>
                {group.meanTtftMs === null ? '–' : formats.duration(group.meanTtftMs)}
              </Cell>
            </tr>
          ))}
        </tbody>
      </Table>
      {by === 'day' ? <p className={styles.quiet}>{t('days-are-utc')}</p> : null}
    </div>
  )
}
