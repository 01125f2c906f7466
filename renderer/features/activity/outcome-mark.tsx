import { StateMark } from '../../ui/state-mark.tsx'
import { outcomeOf, type PastRequest } from './request-history.ts'
import { activityText } from './text.ts'

/** How a request ended, in a sign and words; of a failure its code. */
export function OutcomeMark({ request }: { request: PastRequest }) {
  const t = activityText.useText()
  const { finishReason, errorCode } = request
  switch (outcomeOf(request)) {
    case 'failed':
      return <StateMark tone="bad">{t('ended-failed', { code: errorCode ?? '' })}</StateMark>
    case 'cancelled':
      return <StateMark tone="none">{t('ended-cancelled')}</StateMark>
    case 'done':
      return (
        <StateMark tone="good">
          {t(finishReason === 'length' ? 'ended-length' : finishReason === 'tool-calls' ? 'ended-tools' : 'ended-done')}
        </StateMark>
      )
  }
}
