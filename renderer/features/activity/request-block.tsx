import { useLanguage } from '../../text/text.ts'
import { classNames } from '../../ui/class-names.ts'
import styles from './activity.module.css'
import { isStarting, type LiveRequest } from './queue-picture.ts'
import { activityText } from './text.ts'
import { elementIdOf } from './use-kept-focus.ts'

/** One request as a block: what is known of it is its name, and a press opens the rest. `wide`: in a slot, with room for words. */
export function RequestBlock({
  request,
  who,
  isOwn,
  isOpen,
  now,
  wide = false,
  onOpen,
  onFocus
}: {
  request: LiveRequest
  who: string
  isOwn: boolean
  isOpen: boolean
  now: number
  wide?: boolean
  onOpen: (jobId: string) => void
  onFocus: (jobId: string | undefined) => void
}) {
  const t = activityText.useText()
  const { formats } = useLanguage()
  const { jobId, state, position, etaMs, submittedAt } = request
  const kind = t(request.kind === 'embed' ? 'kind-embed' : 'kind-chat')
  const ago = formats.duration(Math.max(0, now - submittedAt))
  const said = { who, kind, ago }
  const name =
    position === null
      ? t('block-starting', said)
      : etaMs === null
        ? t('block-waiting', { ...said, position })
        : t('block-waiting-time', { ...said, position, time: formats.duration(etaMs) })
  return (
    <button
      type="button"
      id={elementIdOf(jobId)}
      className={classNames(styles.block, wide && styles.wide, isOwn && styles.own)}
      aria-label={wide ? undefined : name}
      aria-expanded={isOpen}
      title={wide ? who : name}
      onClick={() => onOpen(jobId)}
      onFocus={() => onFocus(jobId)}
      onBlur={({ currentTarget }) => currentTarget.isConnected && onFocus(undefined)}
    >
      {wide ? (
        <>
          <span className={styles.who}>{who}</span>
          <span className={styles.ago}>{isStarting(request) ? t('starting') : ago}</span>
          <span className="hidden-visually">{state === 'running' ? t('block-running', { kind }) : kind}</span>
        </>
      ) : position === null ? (
        '·'
      ) : (
        formats.number(position)
      )}
    </button>
  )
}
