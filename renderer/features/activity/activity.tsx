import { useLocation, useRoute } from 'wouter'
import { useActions } from '../../frame/actions.ts'
import type { PageProps } from '../../frame/page.ts'
import { PageLayout } from '../../frame/page-layout.tsx'
import { useLive } from '../../live/live.ts'
import styles from './activity.module.css'
import { Charts } from './charts.tsx'
import { History } from './history.tsx'
import { Now } from './now.tsx'
import { RequestPanel } from './request-panel.tsx'
import { activityText } from './text.ts'
import { useCancel } from './use-cancel.ts'
import { useHistory } from './use-history.ts'
import { elementIdOf } from './use-kept-focus.ts'
import { useOwnerNames } from './use-owner-names.ts'

/** Who waits for what, how it went, and what came before. */
export function ActivityPage({ title }: PageProps) {
  const t = activityText.useText()
  const queues = useLive((state) => state.queues)
  const history = useHistory()
  const cancel = useCancel()
  const { isOwn, nameOf } = useOwnerNames()
  const [, params] = useRoute<{ id: string }>('/activity/:id')
  const [, go] = useLocation()
  const openId = params?.id
  const open = (jobId: string) => go(`/activity/${encodeURIComponent(jobId)}`)
  const close = () => {
    go('/activity')
    const opener = openId === undefined ? null : document.getElementById(elementIdOf(openId))
    ;(opener ?? document.getElementById('activity-now'))?.focus()
  }
  const own = queues.flatMap(({ jobs }) => jobs).filter(({ clientId }) => isOwn(clientId))
  useActions(
    own.length === 0
      ? []
      : [
          {
            id: 'activity-cancel-own',
            title: t('cancel-own', { count: own.length }),
            group: title,
            run: () => {
              for (const { jobId, clientId } of own) cancel(jobId, nameOf(clientId))
            }
          }
        ]
  )
  return (
    <PageLayout
      title={title}
      aside={
        openId === undefined ? undefined : (
          <RequestPanel key={openId} jobId={openId} past={history.rows?.find(({ jobId }) => jobId === openId)} onClose={close} />
        )
      }
    >
      <div className={styles.page}>
        <Now openId={openId} onOpen={open} />
        <Charts rows={history.rows} />
        <History history={history} openId={openId} onOpen={open} />
      </div>
    </PageLayout>
  )
}
