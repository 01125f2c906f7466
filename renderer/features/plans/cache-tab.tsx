import { useQuery } from '@tanstack/react-query'
import { Recycle } from 'lucide-react'
import { Link } from 'wouter'
import { call } from '../../api.ts'
import { useLanguage } from '../../text/text.ts'
import { EmptyState } from '../../ui/empty-state.tsx'
import { Cell, Table } from '../../ui/table.tsx'
import { Asked } from './asked.tsx'
import { ConfirmButton } from './confirm-button.tsx'
import { commandIn, usePlace } from './place.ts'
import styles from './plans.module.css'
import { plansText } from './text.ts'
import { useOrder } from './use-order.ts'

/** Plans that are used again, and how often they were. */
export function PlanCacheTab() {
  const t = plansText.useText()
  const { formats } = useLanguage()
  const { query, project, address } = usePlace()
  const order = useOrder('plan-cache')
  const answer = useQuery({ queryKey: ['plan-cache', query], queryFn: ({ signal }) => call('planCache', { query }, signal) })
  return (
    <Asked answer={answer}>
      {({ entries }) =>
        entries.length === 0 ? (
          <EmptyState icon={<Recycle aria-hidden />} title={t('no-cache')} command={commandIn(project, 'plan cache list')}>
            {t('no-cache-text')}
          </EmptyState>
        ) : (
          <div className={styles.column}>
            <div>
              <ConfirmButton
                label={t('clear')}
                title={t('clear-title')}
                text={t('clear-text', { count: entries.length })}
                onConfirm={() => void order(() => call('clearPlanCache', { query }))}
              />
            </div>
            <Table label={t('tab-cache')} className={styles.table}>
              <thead>
                <tr>
                  <th scope="col">{t('action')}</th>
                  <th scope="col" className={styles.when}>
                    {t('fields')}
                  </th>
                  <th scope="col" className={styles.number}>
                    {t('hits')}
                  </th>
                  <th scope="col" className={styles.when}>
                    {t('asked-at')}
                  </th>
                </tr>
              </thead>
              <tbody>
                {entries.map(({ id, action, planId, fields, hits, createdAt }) => (
                  <tr key={id}>
                    <Cell className={styles.wide}>
                      <Link href={address({ type: 'plan', id: planId })} className={styles.name} dir="auto">
                        {action}
                      </Link>
                    </Cell>
                    <Cell className={styles.when}>{fields.join(', ')}</Cell>
                    <Cell numeric>{formats.number(hits)}</Cell>
                    <Cell className={styles.when}>{formats.time(createdAt)}</Cell>
                  </tr>
                ))}
              </tbody>
            </Table>
          </div>
        )
      }
    </Asked>
  )
}
