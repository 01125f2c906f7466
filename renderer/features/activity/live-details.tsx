import { useEffect, useRef, useState } from 'react'
import { useLive } from '../../live/live.ts'
import { useMay } from '../../session/session.ts'
import { useLanguage } from '../../text/text.ts'
import { announce } from '../../ui/announcer.tsx'
import { Button } from '../../ui/button.tsx'
import { CopyButton } from '../../ui/copy-button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Facts } from '../../ui/facts.tsx'
import styles from './activity.module.css'
import { isStarting, type LiveRequest } from './queue-picture.ts'
import { activityText } from './text.ts'
import { useCancel } from './use-cancel.ts'
import { useNow } from './use-now.ts'
import { useOwnerNames } from './use-owner-names.ts'

/** A request that waits or runs; `isOver`: as it was when it was last heard of. */
export function LiveDetails({ request, model, isOver }: { request: LiveRequest; model: string; isOver: boolean }) {
  const t = activityText.useText()
  const { formats } = useLanguage()
  const may = useMay()
  const { nameOf, isOwn } = useOwnerNames()
  const cancel = useCancel()
  const now = useNow()
  const [isAsking, setAsking] = useState(false)
  const modelName = useLive((state) => state.models.find(({ id }) => id === model)?.name ?? model)
  const { jobId, clientId, lane, position, etaMs, submittedAt } = request
  const who = nameOf(clientId)
  const state = isOver ? 'over' : request.state === 'running' ? 'running' : isStarting(request) ? 'starting' : 'waiting'
  useStateNews(t(`request-${state}`))
  return (
    <>
      <div className={styles.panelHead}>
        <strong>{t(`request-${state}`)}</strong>
        {isOver || !may('cancelJob') ? null : (
          <Button size="small" onClick={() => (isOwn(clientId) ? cancel(jobId, who) : setAsking(true))}>
            {t('cancel')}
          </Button>
        )}
      </div>
      <Facts
        facts={[
          [t('model'), modelName],
          [t('kind'), t(request.kind === 'embed' ? 'kind-embed' : 'kind-chat')],
          [t('lane'), t(`lane-${lane}`)],
          [t('position'), isOver || position === null ? null : formats.number(position)],
          [
            t('expected'),
            isOver || position === null ? null : etaMs === null ? t('expected-unknown') : t('about', { time: formats.duration(etaMs) })
          ],
          [t('sent'), formats.time(submittedAt)],
          [t('since'), isOver ? null : formats.duration(Math.max(0, now - submittedAt))],
          [
            t('job'),
            <span key="job" className={styles.id}>
              <code>{jobId}</code>
              <CopyButton text={jobId} what={t('copy-job')} />
            </span>
          ]
        ]}
      />
      <Dialog
        open={isAsking && !isOver}
        onClose={() => setAsking(false)}
        title={t('cancel-title', { who })}
        description={t('cancel-text')}
        actions={
          <>
            <Button onClick={() => setAsking(false)}>{t('keep')}</Button>
            <Button
              kind="danger"
              onClick={() => {
                setAsking(false)
                cancel(jobId, who)
              }}
            >
              {t('cancel')}
            </Button>
          </>
        }
      />
    </>
  )
}

/** That the request one looks at has started or ended is heard; its place in line changes too often for that. */
function useStateNews(text: string): void {
  const before = useRef(text)
  useEffect(() => {
    if (before.current !== text) announce(text)
    before.current = text
  }, [text])
}
