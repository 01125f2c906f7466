import { useQuery } from '@tanstack/react-query'
import type { PlanningAttempt, PlanStatus } from '#contracts/plan.ts'
import { ApiError, call } from '../../api.ts'
import { useLanguage } from '../../text/text.ts'
import { ErrorNote } from '../../ui/error-note.tsx'
import { StateMark } from '../../ui/state-mark.tsx'
import { JsonText } from './json-text.tsx'
import { usePlace } from './place.ts'
import styles from './plans.module.css'
import { plansText } from './text.ts'

/** What the model was asked and answered, exactly, and what the checks found. */
export function PlanAttempts({ id, status }: { id: string; status: PlanStatus }) {
  const t = plansText.useText()
  const { query } = usePlace()
  const { data, error } = useQuery({
    queryKey: ['plan-attempts', id, query, status],
    queryFn: ({ signal }) => call('planAttempts', { params: { id }, query }, signal)
  })
  if (error instanceof ApiError) return <ErrorNote title={t('load-failed')} error={error} />
  if (data === undefined || data.attempts.length === 0) return null
  return (
    <section className={styles.section}>
      <h2>{t('attempts')}</h2>
      {data.attempts.map((attempt) => (
        <Attempt key={`${attempt.attempt} ${attempt.phase} ${attempt.at}`} {...attempt} />
      ))}
    </section>
  )
}

function Attempt({ attempt, phase, model, prompt, answer, reasoning, findings, ms, promptTokens, completionTokens }: PlanningAttempt) {
  const t = plansText.useText()
  const { formats } = useLanguage()
  return (
    <details className={styles.attempt}>
      <summary>
        {t('attempt', { attempt })} · {t(`phase-${phase}`)} · {model} · {formats.duration(ms)} ·{' '}
        {findings.length === 0 ? (
          <StateMark tone="good">{t('valid')}</StateMark>
        ) : (
          <StateMark tone="bad">{t('findings', { count: findings.length })}</StateMark>
        )}
      </summary>
      {findings.length === 0 ? null : (
        <ul className={styles.list}>
          {findings.map((finding) => (
            <li key={finding} dir="auto">
              {finding}
            </li>
          ))}
        </ul>
      )}
      <h3>{t('answer', { tokens: completionTokens })}</h3>
      <JsonText value={answer} />
      {reasoning === '' ? null : (
        <>
          <h3>{t('reasoning')}</h3>
          <JsonText value={reasoning} />
        </>
      )}
      <h3>{t('prompt', { tokens: promptTokens })}</h3>
      <JsonText value={prompt} />
    </details>
  )
}
