import type { Json, PlanRecord, Service } from '#contracts/plan.ts'
import { JsonText } from './json-text.tsx'
import styles from './plans.module.css'
import { plansText } from './text.ts'

/** What came of a plan: its results, or why there are none and what to change; and rules that nothing here can check. */
export function PlanOutcome({ plan, services }: { plan: PlanRecord; services: readonly Pick<Service, 'id' | 'name'>[] }) {
  const t = plansText.useText()
  const { failure, results, warnings, abortPayload } = plan
  const nameOf = (id: string) => services.find((service) => service.id === id)?.name ?? id
  return (
    <>
      {warnings.length === 0 ? null : (
        <section className={styles.notice}>
          <h2>{t('warnings')}</h2>
          <ul className={styles.list}>
            {warnings.map((warning) => (
              <li key={warning} dir="auto">
                {warning}
              </li>
            ))}
          </ul>
        </section>
      )}
      {failure === null ? null : (
        <section className={styles.failure}>
          <h2>{t(`failure-${failure.code}`)}</h2>
          {failure.task === undefined && failure.service === undefined ? null : (
            <p className={styles.quiet}>
              {[failure.task, failure.service === undefined ? undefined : nameOf(failure.service)].filter(Boolean).join(' · ')}
            </p>
          )}
          <p dir="auto">{failure.message}</p>
          {failure.diagnosis === undefined ? null : (
            <>
              {failure.diagnosis.rootCause === failure.message ? null : <p dir="auto">{failure.diagnosis.rootCause}</p>}
              <ul className={styles.list}>
                {failure.diagnosis.findings.map(({ service, task, field, problem }) => (
                  <li key={`${service} ${task} ${field} ${problem}`}>
                    {[service === undefined ? undefined : nameOf(service), task].filter(Boolean).join(' · ')}{' '}
                    {field === undefined ? null : <mark className={styles.field}>{field}</mark>} <span dir="auto">{problem}</span>
                  </li>
                ))}
              </ul>
              {failure.diagnosis.remedies.length === 0 ? null : (
                <>
                  <h3>{t('remedies')}</h3>
                  <ul className={styles.list}>
                    {failure.diagnosis.remedies.map((remedy) => (
                      <li key={remedy} dir="auto">
                        {remedy}
                      </li>
                    ))}
                  </ul>
                </>
              )}
            </>
          )}
          {abortPayload === null || failure.task === undefined ? null : (
            <>
              <h3>{t('abort-payload')}</h3>
              <JsonText value={abortPayload} />
            </>
          )}
        </section>
      )}
      {results === null ? null : (
        <section className={styles.section}>
          <h2>{t('results')}</h2>
          <JsonText value={(results.length === 1 ? results[0] : results) as Json} />
        </section>
      )}
    </>
  )
}
