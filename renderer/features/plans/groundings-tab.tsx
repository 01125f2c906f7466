import { useQuery } from '@tanstack/react-query'
import { BookOpen } from 'lucide-react'
import type { Grounding } from '#contracts/plan.ts'
import { call } from '../../api.ts'
import { useMay } from '../../session/session.ts'
import { EmptyState } from '../../ui/empty-state.tsx'
import { Asked } from './asked.tsx'
import { ConfirmButton } from './confirm-button.tsx'
import { commandIn, usePlace } from './place.ts'
import styles from './plans.module.css'
import { plansText } from './text.ts'
import { useOrder } from './use-order.ts'

/** What is known of the domain: its actions as users word them, and its rules. */
export function GroundingsTab() {
  const t = plansText.useText()
  const { query, project } = usePlace()
  const answer = useQuery({ queryKey: ['plan-groundings', query], queryFn: ({ signal }) => call('groundings', { query }, signal) })
  return (
    <Asked answer={answer}>
      {({ groundings }) =>
        groundings.length === 0 ? (
          <EmptyState icon={<BookOpen aria-hidden />} title={t('no-groundings')} command={commandIn(project, 'grounding apply -f FILE')}>
            {t('no-groundings-text')}
          </EmptyState>
        ) : (
          <div className={styles.column}>
            {groundings.map((grounding) => (
              <GroundingCard key={grounding.name} grounding={grounding} />
            ))}
          </div>
        )
      }
    </Asked>
  )
}

function GroundingCard({ grounding: { name, domain, version, useCases, constraints } }: { grounding: Grounding }) {
  const t = plansText.useText()
  const may = useMay()
  const { query } = usePlace()
  const order = useOrder('plan-groundings')
  return (
    <section className={styles.item} aria-label={name}>
      <div className={styles.itemHead}>
        <h2>{name}</h2>
        {may('removeGrounding') ? (
          <ConfirmButton
            label={t('remove')}
            of={name}
            title={t('remove-title', { name })}
            text={t('remove-grounding-text')}
            onConfirm={() => void order(() => call('removeGrounding', { params: { id: name }, query }))}
          />
        ) : null}
      </div>
      <p className={styles.quiet} dir="auto">
        {domain} · {version}
      </p>
      <h3>{t('use-cases')}</h3>
      <ul className={styles.list}>
        {useCases.map(({ action, intent }) => (
          <li key={action} dir="auto">
            {action} <span className={styles.quiet}>{intent}</span>
          </li>
        ))}
      </ul>
      {constraints.length === 0 ? null : (
        <>
          <h3>{t('rules')}</h3>
          <ul className={styles.list}>
            {constraints.map((rule) => (
              <li key={rule} dir="auto">
                {rule}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  )
}
