import { Download } from 'lucide-react'
import { useState } from 'react'
import type { UsageReply } from '#contracts/api.ts'
import { useActions } from '../../frame/actions.ts'
import type { PageProps } from '../../frame/page.ts'
import { PageLayout } from '../../frame/page-layout.tsx'
import { Button } from '../../ui/button.tsx'
import { Select } from '../../ui/select.tsx'
import { Tabs } from '../../ui/tabs.tsx'
import { showError } from '../../ui/toast-store.ts'
import { GroupTable } from './group-table.tsx'
import { type Period, periods, startOf } from './period.ts'
import { RequestTable } from './request-table.tsx'
import { SumsOfPeriod } from './sums-of-period.tsx'
import { usageText } from './text.ts'
import styles from './usage.module.css'
import { saveFile, usageCsv } from './usage-csv.ts'
import { useClientName } from './use-usage.ts'

const sides = ['key', 'model', 'day', 'request'] as const

/** What was used in a period, by whom and of what, and each request. Never what was said. */
export function UsagePage({ title }: PageProps) {
  const t = usageText.useText()
  const nameOf = useClientName()
  const [by, setBy] = useState<UsageReply['by']>('key')
  const [period, setPeriod] = useState<Period>('month')
  const [isBusy, setBusy] = useState(false)
  const from = startOf(period, Date.now())
  const save = async () => {
    setBusy(true)
    try {
      saveFile(`outpost-usage-by-${by}-${period}.csv`, await usageCsv(by, from, nameOf))
    } catch (error) {
      showError(t('save-failed'), error)
    } finally {
      setBusy(false)
    }
  }
  useActions([
    { id: 'usage-save', title: t('save'), group: title, keywords: 'csv', run: () => void save() },
    ...periods.map((name) => ({
      id: `usage-period-${name}`,
      title: `${t('period')}: ${t(`period-${name}`)}`,
      group: title,
      run: () => setPeriod(name)
    }))
  ])
  return (
    <PageLayout
      title={title}
      actions={
        <Button size="small" icon={<Download aria-hidden />} disabled={isBusy} onClick={() => void save()}>
          {t('save')}
        </Button>
      }
    >
      <div className={styles.page}>
        <div className={styles.period}>
          <Select
            label={t('period')}
            value={period}
            onChange={setPeriod}
            options={periods.map((name) => ({ value: name, label: t(`period-${name}`) }))}
          />
        </div>
        <SumsOfPeriod from={from} />
        <Tabs
          label={t('sides')}
          value={by}
          onChange={setBy}
          tabs={sides.map((side) => ({
            name: side,
            label: t(`by-${side}`),
            content:
              side === 'request' ? (
                <RequestTable from={from} nameOf={nameOf} onAll={() => setPeriod('all')} />
              ) : (
                <GroupTable by={side} from={from} nameOf={nameOf} onAll={() => setPeriod('all')} />
              )
          }))}
        />
      </div>
    </PageLayout>
  )
}
