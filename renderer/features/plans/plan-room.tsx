import { ArrowLeft, CircleStop } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { Link } from 'wouter'
import { ApiError, call } from '../../api.ts'
import { useFrameText } from '../../messages/text.ts'
import { useMay } from '../../session/session.ts'
import { useLanguage } from '../../text/text.ts'
import { announce } from '../../ui/announcer.tsx'
import { Button } from '../../ui/button.tsx'
import { CopyButton } from '../../ui/copy-button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { ErrorNote } from '../../ui/error-note.tsx'
import { Facts } from '../../ui/facts.tsx'
import { Field, TextInput } from '../../ui/field.tsx'
import { Skeleton } from '../../ui/skeleton.tsx'
import { showError } from '../../ui/toast-store.ts'
import { isMoving, type PlanRoomData, useFollowedPlan, usePlanRoom } from './follow-plan.ts'
import { usePlace } from './place.ts'
import { PlanAttempts } from './plan-attempts.tsx'
import { PlanDecisions } from './plan-decisions.tsx'
import { PlanGraphView } from './plan-graph.tsx'
import { isEnded } from './plan-list.ts'
import { PlanOutcome } from './plan-outcome.tsx'
import { PlanState } from './plan-state.tsx'
import { PlanTimelineView } from './plan-timeline.tsx'
import { PlanningProgress } from './planning-progress.tsx'
import styles from './plans.module.css'
import { plansText } from './text.ts'

/** One plan: what was asked, how it goes, what came of it and why. */
export function PlanRoom({ id }: { id: string }) {
  const t = plansText.useText()
  const { address } = usePlace()
  const { data, error } = usePlanRoom(id)
  const progress = useFollowedPlan(id, data !== undefined && isMoving(data))
  return (
    <div className={styles.room}>
      <Link href={address({ type: 'tab', tab: 'plans' })} className={styles.back}>
        <ArrowLeft aria-hidden />
        {t('tab-plans')}
      </Link>
      {data !== undefined ? (
        <PlanContent {...data} progress={progress} />
      ) : error instanceof ApiError ? (
        <ErrorNote title={t('load-failed')} error={error} />
      ) : (
        <Skeleton rows={8} />
      )}
    </div>
  )
}

function PlanContent({ plan, graph, timeline, services, progress }: PlanRoomData & { progress: ReturnType<typeof useFollowedPlan> }) {
  const t = plansText.useText()
  const may = useMay()
  const { formats } = useLanguage()
  const status = t(`status-${plan.status}`)
  const heard = useRef(status)
  useEffect(() => {
    if (heard.current !== status) announce(status)
    heard.current = status
  }, [status])
  return (
    <>
      <header className={styles.planHead}>
        <h2 dir="auto">{plan.action}</h2>
        {!isEnded(plan.status) && may('abortPlan') ? <Abort id={plan.id} /> : null}
      </header>
      <PlanState status={plan.status} />
      {plan.status === 'pending' ? <PlanningProgress progress={progress} /> : null}
      <PlanDecisions id={plan.id} tasks={timeline.tasks.filter(({ state }) => state === 'approval')} />
      <PlanOutcome plan={plan} services={services} />
      {graph.nodes.some(({ type }) => type === 'task') ? <PlanGraphView graph={graph} /> : null}
      {timeline.tasks.length > 0 ? <PlanTimelineView timeline={timeline} /> : null}
      <section className={styles.section}>
        <h2>{t('about')}</h2>
        <Facts
          facts={[
            [
              'ID',
              <span key="id">
                <code>{plan.id}</code> <CopyButton text={plan.id} what={t('copy-id')} />
              </span>
            ],
            [t('asked-at'), formats.time(plan.createdAt)],
            [t('asked-by'), plan.clientId],
            [t('planning'), formats.duration(timeline.planningMs)],
            [t('running'), timeline.startedAt === null ? null : formats.duration(timeline.runMs)],
            [t('tab-cache'), plan.cache === null ? null : `${t(`cache-${plan.cache.outcome}`)}: ${plan.cache.reason}`],
            [t('grounding'), plan.grounding],
            ...plan.data.map(({ field, value }) => [field, <code key={field}>{JSON.stringify(value)}</code>] as const)
          ]}
        />
      </section>
      {may('planAttempts') ? <PlanAttempts id={plan.id} status={plan.status} /> : null}
    </>
  )
}

/** Asked because it cannot be undone. */
function Abort({ id }: { id: string }) {
  const t = plansText.useText()
  const frame = useFrameText()
  const { query } = usePlace()
  const [open, setOpen] = useState(false)
  const [reason, setReason] = useState('')
  const abort = () => {
    setOpen(false)
    call('abortPlan', { params: { id }, query, body: { reason } }).catch((error: unknown) => showError(t('order-failed'), error))
  }
  return (
    <>
      <Button size="small" icon={<CircleStop aria-hidden />} onClick={() => setOpen(true)}>
        {t('abort')}
      </Button>
      <Dialog
        open={open}
        onClose={() => setOpen(false)}
        title={t('abort-title')}
        description={t('abort-text')}
        actions={
          <>
            <Button onClick={() => setOpen(false)}>{frame('cancel')}</Button>
            <Button kind="danger" onClick={abort}>
              {t('abort')}
            </Button>
          </>
        }
      >
        <Field label={t('reason')}>
          <TextInput value={reason} onChange={(event) => setReason(event.target.value)} />
        </Field>
      </Dialog>
    </>
  )
}
