import type { UsageReply } from '#contracts/api.ts'
import { useLanguage } from '../../text/text.ts'
import { Button } from '../../ui/button.tsx'
import { Skeleton } from '../../ui/skeleton.tsx'
import { StateMark } from '../../ui/state-mark.tsx'
import { Cell, Table } from '../../ui/table.tsx'
import { NothingUsed } from './nothing-used.tsx'
import { Failure, NumberHead } from './table-parts.tsx'
import { usageText } from './text.ts'
import styles from './usage.module.css'
import { useUsageRows } from './use-usage.ts'

/** Each request of a period, newest first, some at a time. */
export function RequestTable({ from, nameOf, onAll }: { from: number | undefined; nameOf: (clientId: string) => string; onAll: () => void }) {
  const t = usageText.useText()
  const { formats } = useLanguage()
  const { rows, error, hasMore, isBusy, more } = useUsageRows(from)
  if (rows === undefined) return error === null ? <Skeleton rows={8} /> : <Failure error={error} />
  if (rows.length === 0) return <NothingUsed onAll={from === undefined ? undefined : onAll} />
  return (
    <div className={styles.list}>
      <Table label={t('by-request')} className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{t('time')}</th>
            <th scope="col" className={styles.client}>
              {t('key')}
            </th>
            <th scope="col">{t('model')}</th>
            <NumberHead className={styles.prompt}>{t('prompt')}</NumberHead>
            <NumberHead className={styles.cached}>{t('cached')}</NumberHead>
            <NumberHead className={styles.output}>{t('output')}</NumberHead>
            <NumberHead className={styles.wait}>{t('wait')}</NumberHead>
            <NumberHead className={styles.ttft}>{t('ttft')}</NumberHead>
            <NumberHead className={styles.total}>{t('total')}</NumberHead>
            <th scope="col" className={styles.end}>
              {t('end')}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id}>
              <Cell className={styles.time}>{formats.time(row.submittedAt)}</Cell>
              <Cell className={styles.client} title={nameOf(row.clientId)}>
                <bdi>{nameOf(row.clientId)}</bdi>
              </Cell>
              <Cell className={styles.model} title={row.model}>
                <bdi>{row.model}</bdi>
              </Cell>
              <Cell numeric className={styles.prompt}>
                {formats.number(row.usage.promptTokens)}
              </Cell>
              <Cell numeric className={styles.cached}>
                {formats.number(row.usage.cachedTokens)}
              </Cell>
              <Cell numeric className={styles.output}>
                {formats.number(row.usage.completionTokens)}
              </Cell>
              <Cell numeric className={styles.wait}>
                {formats.duration(row.queueMs)}
              </Cell>
              <Cell numeric className={styles.ttft}>
                {row.ttftMs === null ? '–' : formats.duration(row.ttftMs)}
              </Cell>
              <Cell numeric className={styles.total}>
                {formats.duration(row.totalMs)}
              </Cell>
              <Cell className={styles.end}>
                <Ending of={row} />
              </Cell>
            </tr>
          ))}
        </tbody>
      </Table>
      {error === null ? null : <Failure error={error} />}
      {hasMore ? (
        <p className={styles.more}>
          <Button aria-disabled={isBusy} onClick={() => isBusy || more()}>
            {t('older')}
          </Button>
        </p>
      ) : null}
    </div>
  )
}

/** How a request ended; what failed says its code, as the table of errors has it. */
function Ending({ of: { finishReason, errorCode } }: { of: UsageReply['rows'][number] }) {
  const t = usageText.useText()
  if (errorCode !== null)
    return (
      <StateMark tone="bad">
        <code dir="ltr">{errorCode}</code>
      </StateMark>
    )
  if (finishReason === 'cancelled') return <StateMark tone="quiet">{t('end-cancelled')}</StateMark>
  return <StateMark tone="good">{t(`end-${finishReason ?? 'stop'}`)}</StateMark>
}
