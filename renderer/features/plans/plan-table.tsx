import { SearchX, Workflow } from 'lucide-react'
import { useRef, useState } from 'react'
import { Link } from 'wouter'
import type { PlanStatus } from '#contracts/plan.ts'
import { ApiError } from '../../api.ts'
import { useActions } from '../../frame/actions.ts'
import { useMay } from '../../session/session.ts'
import { useLanguage } from '../../text/text.ts'
import { Button } from '../../ui/button.tsx'
import { EmptyState } from '../../ui/empty-state.tsx'
import { ErrorNote } from '../../ui/error-note.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { Select } from '../../ui/select.tsx'
import { Skeleton } from '../../ui/skeleton.tsx'
import { Cell, Table } from '../../ui/table.tsx'
import { commandIn, usePlace } from './place.ts'
import { searchPlans, statusNames } from './plan-list.ts'
import { PlanState } from './plan-state.tsx'
import styles from './plans.module.css'
import { plansText } from './text.ts'
import { usePlans } from './use-plans.ts'

/** Plans, newest first, as they change. */
export function PlanList({ onRun }: { onRun: () => void }) {
  const t = plansText.useText()
  const may = useMay()
  const { formats } = useLanguage()
  const { address, go, project } = usePlace()
  const [status, setStatus] = useState<PlanStatus | 'all'>('all')
  const [search, setSearch] = useState('')
  const searchField = useRef<HTMLInputElement>(null)
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage } = usePlans(status)
  const plans = data?.pages.flatMap((page) => page.plans) ?? []
  const shown = searchPlans(plans, search)
  useActions([{ id: 'plans-search', title: t('search'), group: t('tab-plans'), shortcut: 'mod+f', run: () => searchField.current?.focus() }])
  if (error instanceof ApiError) return <ErrorNote title={t('load-failed')} error={error} />
  const isUnused = plans.length === 0 && status === 'all'
  return (
    <>
      <div className={styles.tools}>
        <SearchField label={t('search')} value={search} onChange={setSearch} inputRef={searchField} />
        <span className={styles.filter}>
          <Select
            label={t('status')}
            value={status}
            onChange={setStatus}
            options={[{ value: 'all', label: t('all') }, ...statusNames.map((value) => ({ value, label: t(`status-${value}`) }))]}
          />
        </span>
      </div>
      {data === undefined ? (
        <Skeleton rows={8} />
      ) : isUnused ? (
        <EmptyState
          icon={<Workflow aria-hidden />}
          title={t('none-title')}
          command={commandIn(project, `plan run "Where is this order?" -d orderId=ORD-7`)}
          action={may('runPlan') ? <Button onClick={onRun}>{t('run-title')}</Button> : undefined}
        >
          {t('none-text')}
        </EmptyState>
      ) : shown.length === 0 ? (
        <EmptyState
          icon={<SearchX aria-hidden />}
          title={t('empty-title')}
          action={
            <Button
              onClick={() => {
                setSearch('')
                setStatus('all')
              }}
            >
              {t('show-all')}
            </Button>
          }
        />
      ) : (
        <Table label={t('tab-plans')} className={styles.table}>
          <thead>
            <tr>
              <th scope="col">{t('status')}</th>
              <th scope="col">{t('action')}</th>
              <th scope="col" className={styles.when}>
                {t('asked-at')}
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((plan) => {
              const place = { type: 'plan', id: plan.id } as const
              return (
                <tr
                  key={plan.id}
                  onClick={(event) => {
                    if (event.target instanceof Element && event.target.closest('a') === null) go(place)
                  }}
                >
                  <Cell>
                    <PlanState status={plan.status} />
                  </Cell>
                  <Cell className={styles.wide}>
                    <Link href={address(place)} className={styles.name} dir="auto">
                      {plan.action}
                    </Link>
                  </Cell>
                  <Cell className={styles.when}>{formats.time(plan.createdAt)}</Cell>
                </tr>
              )
            })}
          </tbody>
        </Table>
      )}
      {hasNextPage ? (
        <p className={styles.more}>
          <Button disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {t('older')}
          </Button>
        </p>
      ) : null}
    </>
  )
}
