import { useQuery } from '@tanstack/react-query'
import { Link } from 'wouter'
import { call } from '../../api.ts'
import { useLanguage } from '../../text/text.ts'
import { Button } from '../../ui/button.tsx'
import { StateMark } from '../../ui/state-mark.tsx'
import { Cell, Table } from '../../ui/table.tsx'
import { Asked } from './asked.tsx'
import { usePlace } from './place.ts'
import styles from './plans.module.css'
import { plansText } from './text.ts'
import { useOrder } from './use-order.ts'

const tones = { waiting: 'busy', delivered: 'good', failed: 'bad' } as const

/** What was sent to webhooks, newest first, and what became of it. */
export function Deliveries() {
  const t = plansText.useText()
  const { formats } = useLanguage()
  const { query, address } = usePlace()
  const order = useOrder('plan-deliveries')
  const answer = useQuery({
    queryKey: ['plan-deliveries', query],
    queryFn: ({ signal }) => call('deliveries', { query }, signal),
    refetchInterval: 5000
  })
  return (
    <section className={styles.section}>
      <h2>{t('deliveries')}</h2>
      <Asked answer={answer}>
        {({ deliveries }) =>
          deliveries.length === 0 ? (
            <p className={styles.quiet}>{t('no-deliveries')}</p>
          ) : (
            <Table label={t('deliveries')}>
              <thead>
                <tr>
                  <th scope="col">{t('status')}</th>
                  <th scope="col">{t('event')}</th>
                  <th scope="col" className={styles.when}>
                    {t('plan')}
                  </th>
                  <th scope="col" className={styles.when}>
                    {t('asked-at')}
                  </th>
                  <th scope="col">
                    <span className="hidden-visually">{t('redeliver')}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {deliveries.map(({ id, url, state, status, error, event, planId, createdAt }) => (
                  <tr key={id}>
                    <Cell>
                      <StateMark tone={tones[state]}>{t(`delivery-${state}`)}</StateMark>
                    </Cell>
                    <Cell className={styles.wide}>
                      {event} <span className={styles.quiet}>{[url, status, error].filter((part) => part !== null).join(' · ')}</span>
                    </Cell>
                    <Cell className={styles.when}>
                      <Link href={address({ type: 'plan', id: planId })}>{planId}</Link>
                    </Cell>
                    <Cell className={styles.when}>{formats.time(createdAt)}</Cell>
                    <Cell>
                      <Button
                        size="small"
                        onClick={() => void order(() => call('redeliver', { params: { id }, query }))}
                        aria-label={`${t('redeliver')} ${event} ${planId}`}
                      >
                        {t('redeliver')}
                      </Button>
                    </Cell>
                  </tr>
                ))}
              </tbody>
            </Table>
          )
        }
      </Asked>
    </section>
  )
}
