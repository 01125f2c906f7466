import { useState } from 'react'
import { useLive } from '../../live/live.ts'
import { useMay } from '../../session/session.ts'
import { useLanguage } from '../../text/text.ts'
import { Button } from '../../ui/button.tsx'
import { Chips } from '../../ui/chips.tsx'
import { ErrorNote } from '../../ui/error-note.tsx'
import { Select } from '../../ui/select.tsx'
import { Skeleton } from '../../ui/skeleton.tsx'
import styles from './activity.module.css'
import { HistoryTable } from './history-table.tsx'
import { everything, filterHistory, outcomeNames } from './request-history.ts'
import { activityText } from './text.ts'
import type { History as HistoryState } from './use-history.ts'
import { useOwnerNames } from './use-owner-names.ts'

/** The requests that ended, the newest first, narrowed by filters. Who may not see them reads why. */
export function History({ history, openId, onOpen }: { history: HistoryState; openId: string | undefined; onOpen: (jobId: string) => void }) {
  const t = activityText.useText()
  const may = useMay()
  return (
    <section className={styles.section} aria-labelledby="activity-history">
      <h2 id="activity-history">{t('history-title')}</h2>
      {!may('usage') ? (
        <p className={styles.quiet}>{t('history-not-for-you')}</p>
      ) : history.error !== null && history.rows === undefined ? (
        <ErrorNote title={t('history-failed')} error={history.error} />
      ) : history.rows === undefined ? (
        <Skeleton rows={6} />
      ) : history.rows.length === 0 ? (
        <p className={styles.quiet}>{t('history-empty')}</p>
      ) : (
        <Rows history={history} openId={openId} onOpen={onOpen} />
      )}
    </section>
  )
}

function Rows({ history, openId, onOpen }: { history: HistoryState; openId: string | undefined; onOpen: (jobId: string) => void }) {
  const t = activityText.useText()
  const { formats } = useLanguage()
  const { nameOf } = useOwnerNames()
  const models = useLive((state) => state.models)
  const [filter, setFilter] = useState(everything)
  const rows = history.rows ?? []
  const shown = filterHistory(rows, filter)
  const modelName = (id: string) => models.find((model) => model.id === id)?.name ?? id
  const choices = (all: string, values: string[], nameOf: (value: string) => string) => [
    { value: '', label: all },
    ...[...new Set(values)].map((value) => ({ value, label: nameOf(value) })).sort((one, other) => one.label.localeCompare(other.label))
  ]
  return (
    <>
      <div className={styles.tools}>
        <Chips
          label={t('filter-outcome')}
          value={filter.outcome}
          onChange={(outcome) => setFilter({ ...filter, outcome })}
          chips={outcomeNames.map((outcome) => ({
            name: outcome,
            label: t(`filter-${outcome}`),
            count: formats.number(filterHistory(rows, { ...filter, outcome }).length)
          }))}
        />
        <span className={styles.select}>
          <Select
            label={t('filter-model')}
            value={filter.model}
            options={choices(
              t('every-model'),
              rows.map(({ model }) => model),
              modelName
            )}
            onChange={(model) => setFilter({ ...filter, model })}
          />
        </span>
        <span className={styles.select}>
          <Select
            label={t('filter-client')}
            value={filter.client}
            options={choices(
              t('everybody'),
              rows.map(({ clientId }) => clientId),
              nameOf
            )}
            onChange={(client) => setFilter({ ...filter, client })}
          />
        </span>
      </div>
      {shown.length === 0 ? (
        <p className={styles.quiet}>
          {t('filter-empty')} <Button onClick={() => setFilter(everything)}>{t('show-all')}</Button>
        </p>
      ) : (
        <HistoryTable rows={shown} openId={openId} onOpen={onOpen} nameOf={nameOf} modelName={modelName} />
      )}
      <p className={styles.end}>
        <span className={styles.quiet}>{t('shown-of', { shown: shown.length, count: rows.length })}</span>
        {history.hasOlder ? (
          <Button size="small" disabled={history.isFetchingOlder} onClick={history.fetchOlder}>
            {t('fetch-older')}
          </Button>
        ) : (
          <span className={styles.quiet}>{t('no-older')}</span>
        )}
      </p>
    </>
  )
}
