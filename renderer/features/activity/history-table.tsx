import { useLanguage } from '../../text/text.ts'
import { Cell, Table } from '../../ui/table.tsx'
import styles from './activity.module.css'
import { OutcomeMark } from './outcome-mark.tsx'
import type { PastRequest } from './request-history.ts'
import { activityText } from './text.ts'
import { Timeline } from './timeline.tsx'
import { elementIdOf } from './use-kept-focus.ts'

/** Requests one below the other, their lives on one scale. The time is the way into the details; a click anywhere in a row is the same. */
export function HistoryTable({
  rows,
  openId,
  onOpen,
  nameOf,
  modelName
}: {
  rows: readonly PastRequest[]
  openId: string | undefined
  onOpen: (jobId: string) => void
  nameOf: (clientId: string) => string
  modelName: (id: string) => string
}) {
  const t = activityText.useText()
  const { formats } = useLanguage()
  const longest = Math.max(...rows.map(({ totalMs }) => totalMs))
  return (
    <div className={styles.list}>
      <Table label={t('history-title')} className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{t('sent')}</th>
            <th scope="col">{t('whose')}</th>
            <th scope="col" className={styles.modelColumn}>
              {t('model')}
            </th>
            <th scope="col" className={styles.laneColumn}>
              {t('lane')}
            </th>
            <th scope="col">{t('outcome')}</th>
            <th scope="col" className={styles.courseColumn}>
              {t('course')}
            </th>
            <th scope="col" className={styles.tookColumn}>
              {t('took')}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr
              key={row.id}
              aria-current={row.jobId === openId}
              onClick={(event) => {
                if (event.target instanceof Element && event.target.closest('button') === null) onOpen(row.jobId)
              }}
            >
              <Cell>
                <button
                  type="button"
                  id={elementIdOf(row.jobId)}
                  className={styles.open}
                  onClick={() => onOpen(row.jobId)}
                  aria-label={t('details', { who: nameOf(row.clientId), time: formats.time(row.submittedAt) })}
                >
                  {formats.time(row.submittedAt)}
                </button>
              </Cell>
              <Cell className={styles.whoCell}>{nameOf(row.clientId)}</Cell>
              <Cell className={styles.modelColumn}>{modelName(row.model)}</Cell>
              <Cell className={styles.laneColumn}>{t(`lane-${row.lane}`)}</Cell>
              <Cell>
                <OutcomeMark request={row} />
              </Cell>
              <Cell className={styles.courseColumn}>
                <Timeline request={row} longest={longest} />
              </Cell>
              <Cell numeric className={styles.tookColumn}>
                {formats.duration(row.totalMs)}
              </Cell>
            </tr>
          ))}
        </tbody>
      </Table>
    </div>
  )
}
