import { useLive } from '../../live/live.ts'
import { useLanguage } from '../../text/text.ts'
import { CopyButton } from '../../ui/copy-button.tsx'
import { Facts } from '../../ui/facts.tsx'
import styles from './activity.module.css'
import { OutcomeMark } from './outcome-mark.tsx'
import { type PastRequest, rateOf } from './request-history.ts'
import { activityText } from './text.ts'
import { Timeline, TimelineLegend } from './timeline.tsx'

/** A request that ended: its course in time, and what it cost. */
export function PastDetails({ request }: { request: PastRequest }) {
  const t = activityText.useText()
  const { formats } = useLanguage()
  const modelName = useLive((state) => state.models.find(({ id }) => id === request.model)?.name ?? request.model)
  const { usage, kind, lane, submittedAt, ttftMs, totalMs, jobId, requestId } = request
  const rate = rateOf(request)
  return (
    <>
      <div className={styles.panelHead}>
        <OutcomeMark request={request} />
      </div>
      <div className={styles.course}>
        <Timeline request={request} />
        <TimelineLegend request={request} />
      </div>
      <Facts
        facts={[
          [t('model'), modelName],
          [t('kind'), t(`kind-${kind}`)],
          [t('lane'), t(`lane-${lane}`)],
          [t('sent'), formats.time(submittedAt)],
          [t('first-token'), ttftMs === null ? null : formats.duration(ttftMs)],
          [t('took'), formats.duration(totalMs)],
          [t('speed'), rate === null ? null : t('tokens-per-second', { rate: formats.number(Math.round(rate)) })],
          [t('read'), t('tokens-read', { count: usage.promptTokens, cached: usage.cachedTokens })],
          [t('written'), kind === 'embed' ? null : t('tokens-written', { count: usage.completionTokens, reasoning: usage.reasoningTokens })],
          [t('job'), <Id key="job" id={jobId} what={t('copy-job')} />],
          [t('request-id'), <Id key="request" id={requestId} what={t('copy-request-id')} />]
        ]}
      />
    </>
  )
}

function Id({ id, what }: { id: string; what: string }) {
  return (
    <span className={styles.id}>
      <code>{id}</code>
      <CopyButton text={id} what={what} />
    </span>
  )
}
