import { useLanguage } from '../../text/text.ts'
import styles from './activity.module.css'
import { type PastRequest, type Stretch, stretchesOf } from './request-history.ts'
import { activityText } from './text.ts'

/** How tall a stretch is drawn, so that they differ by more than colour. */
const heights: Record<Stretch['name'], number> = { queued: 4, prompt: 8, tokens: 16, work: 16 }

/** A request's life from left to right (as the language reads): in line, reading the prompt, writing. `longest`: milliseconds of the whole width. */
export function Timeline({ request, longest = request.totalMs }: { request: PastRequest; longest?: number }) {
  const t = activityText.useText()
  const { formats } = useLanguage()
  const stretches = stretchesOf(request)
  const share = (ms: number) => (longest === 0 ? 0 : (ms / longest) * 100)
  const name = stretches.map(({ name, from, to }) => t('stretch-text', { name: t(`stretch-${name}`), time: formats.duration(to - from) })).join(', ')
  return (
    <svg className={styles.timeline} role="img" aria-label={name === '' ? t('stretch-none') : name}>
      {stretches.map(({ name, from, to }) => (
        <rect
          key={name}
          className={styles[name]}
          x={`${share(from)}%`}
          y={8 - heights[name] / 2}
          width={`${Math.max(0.5, share(to - from))}%`}
          height={heights[name]}
        />
      ))}
    </svg>
  )
}

/** Which stretch is which, and how long it was. */
export function TimelineLegend({ request }: { request: PastRequest }) {
  const t = activityText.useText()
  const { formats } = useLanguage()
  return (
    <ul className={styles.legend}>
      {stretchesOf(request).map(({ name, from, to }) => (
        <li key={name}>
          <svg viewBox="0 0 12 16" aria-hidden="true">
            <rect className={styles[name]} y={8 - heights[name] / 2} width="12" height={heights[name]} />
          </svg>
          <span>{t(`stretch-${name}`)}</span>
          <span className={styles.time}>{formats.duration(to - from)}</span>
        </li>
      ))}
    </ul>
  )
}
