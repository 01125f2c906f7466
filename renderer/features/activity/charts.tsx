import { useLanguage } from '../../text/text.ts'
import styles from './activity.module.css'
import { linePath, mostOf, startOf, stepPath } from './load-samples.ts'
import { medianOf, type PastRequest, rateOf } from './request-history.ts'
import { activityText } from './text.ts'
import { useLoadSamples } from './use-load-samples.ts'
import { useNow } from './use-now.ts'

/** Of how many of the last requests the pictures of speed are. */
const lastRequests = 50

/** How it went: the load since the page was opened, and, where the requests that ended may be seen, how fast those were. */
export function Charts({ rows }: { rows: readonly PastRequest[] | undefined }) {
  const t = activityText.useText()
  const { formats } = useLanguage()
  const samples = useLoadSamples()
  const last = samples.at(-1)
  // A sample may be newer than the last full second.
  const now = Math.max(useNow(), last?.at ?? 0)
  const firstTokens = lastOf(rows, ({ ttftMs }) => ttftMs)
  const rates = lastOf(rows, rateOf)
  return (
    <section className={styles.section} aria-labelledby="activity-charts">
      <h2 id="activity-charts">{t('charts-title')}</h2>
      <ul className={styles.charts}>
        {(['running', 'waiting'] as const).map((series) => (
          <Chart
            key={series}
            title={t(`chart-${series}`)}
            value={last === undefined ? '–' : formats.number(last[series])}
            note={t('chart-since', {
              time: formats.duration(now - startOf(samples, now)),
              most: formats.number(mostOf(samples, series, now))
            })}
            path={stepPath(samples, series, now)}
          />
        ))}
        {rows === undefined ? null : (
          <>
            <SpeedChart title={t('chart-first-token')} values={firstTokens} format={formats.duration} />
            <SpeedChart
              title={t('chart-rate')}
              values={rates}
              format={(rate) => t('tokens-per-second', { rate: formats.number(Math.round(rate)) })}
            />
          </>
        )}
      </ul>
    </section>
  )
}

function SpeedChart({ title, values, format }: { title: string; values: readonly number[]; format: (value: number) => string }) {
  const t = activityText.useText()
  const median = medianOf(values)
  return (
    <Chart
      title={title}
      value={median === null ? '–' : format(median)}
      note={median === null ? t('chart-none') : t('chart-of', { count: values.length, most: format(Math.max(...values)) })}
      path={linePath(values)}
    />
  )
}

/** The words say all that the picture does. */
function Chart({ title, value, note, path }: { title: string; value: string; note: string; path: string }) {
  return (
    <li className={styles.chart}>
      <h3>{title}</h3>
      <p className={styles.value}>{value}</p>
      <svg viewBox="0 -4 100 108" preserveAspectRatio="none" aria-hidden="true">
        <path d="M0 100H100" className={styles.axis} />
        {path === '' ? null : <path d={path} className={styles.curve} />}
      </svg>
      <p className={styles.quiet}>{note}</p>
    </li>
  )
}

/** Values of the last requests that have one, the oldest first. */
function lastOf(rows: readonly PastRequest[] | undefined, measure: (row: PastRequest) => number | null): number[] {
  return (rows ?? [])
    .map(measure)
    .filter((value) => value !== null)
    .slice(0, lastRequests)
    .reverse()
}
