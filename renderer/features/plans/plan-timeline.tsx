import type { PlanTimeline } from '#contracts/plan-views.ts'
import { useLanguage } from '../../text/text.ts'
import { classNames } from '../../ui/class-names.ts'
import { Cell, Table } from '../../ui/table.tsx'
import { CompensationState, TaskState } from './plan-state.tsx'
import styles from './plans.module.css'
import { plansText } from './text.ts'
import { barsOf } from './timeline-bars.ts'

/** When each task was sent, waited and ended; the bars show what the numbers say. */
export function PlanTimelineView({ timeline }: { timeline: PlanTimeline }) {
  const t = plansText.useText()
  const { formats } = useLanguage()
  const rows = [
    ...timeline.tasks.map((task) => ({ ...task, key: task.task, mark: <TaskState state={task.state} /> })),
    ...timeline.compensations.map((task) => ({ ...task, waits: [], key: `back ${task.task}`, mark: <CompensationState state={task.state} /> }))
  ]
  const totalMs = Math.max(1, timeline.runMs, ...rows.map(({ endMs }) => endMs ?? 0))
  return (
    <section className={styles.section}>
      <h2>{t('timeline')}</h2>
      <Table label={t('timeline')} className={styles.timeline}>
        <thead>
          <tr>
            <th scope="col">{t('task')}</th>
            <th scope="col">{t('status')}</th>
            <th scope="col" className={styles.barCell}>
              {formats.duration(totalMs)}
            </th>
            <th scope="col" className={styles.number}>
              {t('took')}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, task, serviceName, mark, sendings, waits, endMs, error }) => {
            const startMs = sendings[0]?.sentMs
            return (
              <tr key={key}>
                <Cell className={styles.taskCell}>
                  <span dir="auto">{serviceName}</span> <span className={styles.quiet}>{task}</span>
                  {error === null ? null : (
                    <span className={styles.taskError} dir="auto">
                      {error}
                    </span>
                  )}
                </Cell>
                <Cell>
                  {mark}
                  {sendings.length > 1 ? <span className={styles.quiet}> {t('tries', { count: sendings.length })}</span> : null}
                </Cell>
                <Cell className={styles.barCell}>
                  <span className={styles.bars} aria-hidden="true">
                    {barsOf(sendings, waits, totalMs).map(({ kind, from, width }) => (
                      <span
                        key={`${kind} ${from}`}
                        className={classNames(styles.bar, styles[`bar-${kind}`])}
                        style={{ insetInlineStart: `${from}%`, width: `${width}%` }}
                      />
                    ))}
                  </span>
                </Cell>
                <Cell numeric>{startMs === undefined ? '–' : formats.duration((endMs ?? totalMs) - startMs)}</Cell>
              </tr>
            )
          })}
        </tbody>
      </Table>
    </section>
  )
}
