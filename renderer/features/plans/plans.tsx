import { Play } from 'lucide-react'
import { useState } from 'react'
import { useActions } from '../../frame/actions.ts'
import type { PageProps } from '../../frame/page.ts'
import { PageLayout } from '../../frame/page-layout.tsx'
import { useMay } from '../../session/session.ts'
import { Button } from '../../ui/button.tsx'
import { Select } from '../../ui/select.tsx'
import { Tabs } from '../../ui/tabs.tsx'
import { PlanCacheTab } from './cache-tab.tsx'
import { FailuresTab } from './failures-tab.tsx'
import { GroundingsTab } from './groundings-tab.tsx'
import { type TabName, tabNames, usePlace } from './place.ts'
import { PlanRoom } from './plan-room.tsx'
import { PlanList } from './plan-table.tsx'
import styles from './plans.module.css'
import { RunAction } from './run-action.tsx'
import { ServicesTab } from './services-tab.tsx'
import { plansText } from './text.ts'
import { useProjects } from './use-plans.ts'
import { WebhooksTab } from './webhooks-tab.tsx'

const needs = {
  plans: 'plans',
  services: 'services',
  cache: 'planCache',
  failures: 'compensationFailures',
  webhooks: 'webhooks',
  groundings: 'groundings'
} as const

const contents: Record<Exclude<TabName, 'plans'>, () => React.ReactNode> = {
  services: ServicesTab,
  cache: PlanCacheTab,
  failures: FailuresTab,
  webhooks: WebhooksTab,
  groundings: GroundingsTab
}

/** Plans, the room of one of them, and what they are made with. */
export function PlansPage({ title }: PageProps) {
  const t = plansText.useText()
  const may = useMay()
  const { place, go } = usePlace()
  const [isRunning, setRunning] = useState(false)
  const tabs = tabNames.filter((name) => may(needs[name]))
  useActions([
    ...(may('runPlan') ? [{ id: 'plans-run', title: t('run-title'), group: title, run: () => setRunning(true) }] : []),
    ...tabs.map((tab) => ({ id: `plans-${tab}`, title: t(`tab-${tab}`), group: title, run: () => go({ type: 'tab', tab }) }))
  ])
  return (
    <PageLayout
      title={title}
      actions={
        <>
          {may('runPlan') ? (
            <Button kind="primary" size="small" icon={<Play aria-hidden />} onClick={() => setRunning(true)}>
              {t('run-title')}
            </Button>
          ) : null}
          <ProjectChoice />
        </>
      }
    >
      {place.type === 'plan' ? (
        <PlanRoom key={place.id} id={place.id} />
      ) : (
        <div className={styles.tabs}>
          <Tabs
            label={title}
            value={place.tab}
            onChange={(tab) => go({ type: 'tab', tab })}
            tabs={tabs.map((name) => {
              const Content = name === 'plans' ? undefined : contents[name]
              return {
                name,
                label: t(`tab-${name}`),
                content: Content === undefined ? <PlanList onRun={() => setRunning(true)} /> : <Content />
              }
            })}
          />
        </div>
      )}
      {may('runPlan') ? <RunAction open={isRunning} onClose={() => setRunning(false)} /> : null}
    </PageLayout>
  )
}

/** Only where there is more than one project to choose from. */
function ProjectChoice() {
  const t = plansText.useText()
  const { project, choose } = usePlace()
  const { data } = useProjects()
  if (data === undefined || data.projects.length < 2) return null
  const options = data.projects.map(({ id, name }) => ({ value: id, label: name }))
  return (
    <span className={styles.project}>
      <Select label={t('project')} value={project ?? data.own} options={options} onChange={(id) => choose(id === data.own ? undefined : id)} />
    </span>
  )
}
