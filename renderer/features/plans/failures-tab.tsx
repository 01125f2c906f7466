import { useQuery } from '@tanstack/react-query'
import { ShieldCheck } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import type { CompensationFailure } from '#contracts/plan.ts'
import { call } from '../../api.ts'
import { useMay } from '../../session/session.ts'
import { useLanguage } from '../../text/text.ts'
import { Button } from '../../ui/button.tsx'
import { EmptyState } from '../../ui/empty-state.tsx'
import { Facts } from '../../ui/facts.tsx'
import { Field, TextInput } from '../../ui/field.tsx'
import { StateMark } from '../../ui/state-mark.tsx'
import { Asked } from './asked.tsx'
import { JsonText } from './json-text.tsx'
import { commandIn, usePlace } from './place.ts'
import styles from './plans.module.css'
import { plansText } from './text.ts'
import { useOrder } from './use-order.ts'

/** What could not be taken back, until somebody saw to it. */
export function FailuresTab() {
  const t = plansText.useText()
  const { query, project } = usePlace()
  const answer = useQuery({ queryKey: ['plan-failures', query], queryFn: ({ signal }) => call('compensationFailures', { query }, signal) })
  return (
    <Asked answer={answer}>
      {({ failures }) =>
        failures.length === 0 ? (
          <EmptyState icon={<ShieldCheck aria-hidden />} title={t('no-failures')} command={commandIn(project, 'plan failures list')}>
            {t('no-failures-text')}
          </EmptyState>
        ) : (
          <div className={styles.column}>
            {failures.map((failure) => (
              <FailureCard key={failure.id} failure={failure} />
            ))}
          </div>
        )
      }
    </Asked>
  )
}

function FailureCard({ failure }: { failure: CompensationFailure }) {
  const t = plansText.useText()
  const may = useMay()
  const { formats } = useLanguage()
  const { query, address } = usePlace()
  const order = useOrder('plan-failures')
  const [reason, setReason] = useState('')
  const { id, planId, taskId, serviceName, compensation, resolutionState, resolution, attemptsMade, createdAt } = failure
  const isOpen = resolutionState === 'pending'
  const settle = (how: 'resolved' | 'ignored') =>
    void order(() => call('settleCompensation', { params: { id }, query, body: { resolution: how, reason } }))
  return (
    <section className={styles.item} aria-label={`${serviceName} ${taskId}`}>
      <div className={styles.itemHead}>
        <h2 dir="auto">
          {serviceName} · {taskId}
        </h2>
        <StateMark tone={isOpen ? 'bad' : 'quiet'}>{t(`settled-${resolutionState}`)}</StateMark>
      </div>
      <p dir="auto">{failure.failure}</p>
      <Facts
        facts={[
          [
            t('plan'),
            <Link key="plan" href={address({ type: 'plan', id: planId })}>
              {planId}
            </Link>
          ],
          [t('asked-at'), formats.time(createdAt)],
          [t('attempts-made'), formats.number(attemptsMade)],
          [t('reason'), resolution === '' ? null : resolution]
        ]}
      />
      <details>
        <summary>{t('data')}</summary>
        <JsonText value={compensation.data} />
      </details>
      {isOpen && may('settleCompensation') ? (
        <>
          <Field label={t('reason')}>
            <TextInput value={reason} onChange={(event) => setReason(event.target.value)} />
          </Field>
          <div className={styles.buttons}>
            <Button onClick={() => settle('resolved')}>{t('resolve')}</Button>
            <Button onClick={() => settle('ignored')}>{t('ignore')}</Button>
          </div>
        </>
      ) : null}
    </section>
  )
}
