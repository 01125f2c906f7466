import { useLayoutEffect, useRef, useState } from 'react'
import { useLive } from '../../live/live.ts'
import { SidePanel } from '../../ui/side-panel.tsx'
import styles from './activity.module.css'
import { LiveDetails } from './live-details.tsx'
import { PastDetails } from './past-details.tsx'
import { findRequest } from './queue-picture.ts'
import type { PastRequest } from './request-history.ts'
import { activityText } from './text.ts'
import { useOwnerNames } from './use-owner-names.ts'

/** One request from its line to its end. Once it has ended, what is known of that takes the place of what was. */
export function RequestPanel({ jobId, past, onClose }: { jobId: string; past: PastRequest | undefined; onClose: () => void }) {
  const t = activityText.useText()
  const { nameOf } = useOwnerNames()
  const queues = useLive((state) => state.queues)
  const live = findRequest(queues, jobId)
  const [last, setLast] = useState(live)
  if (live !== undefined && live.request !== last?.request) setLast(live)
  const content = useRef<HTMLDivElement>(null)
  const isOver = live === undefined
  useLayoutEffect(() => {
    // The button that cancelled it is gone with it, and with that the focus.
    if (isOver && document.activeElement === document.body) content.current?.focus({ preventScroll: true })
  }, [isOver])
  const seen = live ?? last
  const clientId = seen?.request.clientId ?? past?.clientId
  if (clientId === undefined) return null
  return (
    <SidePanel title={t('request-of', { who: nameOf(clientId) })} onClose={onClose}>
      <div ref={content} tabIndex={-1} className={styles.panel}>
        {isOver && past !== undefined ? (
          <PastDetails request={past} />
        ) : seen === undefined ? null : (
          <LiveDetails request={seen.request} model={seen.model} isOver={isOver} />
        )}
      </div>
    </SidePanel>
  )
}
