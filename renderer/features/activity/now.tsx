import { Box } from 'lucide-react'
import { useRef } from 'react'
import { useLocation } from 'wouter'
import { useLive } from '../../live/live.ts'
import { Button } from '../../ui/button.tsx'
import { EmptyState } from '../../ui/empty-state.tsx'
import { Skeleton } from '../../ui/skeleton.tsx'
import styles from './activity.module.css'
import { ModelQueue } from './model-queue.tsx'
import { drawQueues } from './queue-picture.ts'
import { activityText } from './text.ts'
import { useKeptFocus } from './use-kept-focus.ts'
import { useNow } from './use-now.ts'
import { useOwnerNames } from './use-owner-names.ts'

/** Who is served and who waits, at this moment. */
export function Now({ openId, onOpen }: { openId: string | undefined; onOpen: (jobId: string) => void }) {
  const t = activityText.useText()
  const [, go] = useLocation()
  const known = useLive((state) => state.known)
  const models = useLive((state) => state.models)
  const queues = useLive((state) => state.queues)
  const names = useOwnerNames()
  const now = useNow()
  const heading = useRef<HTMLHeadingElement>(null)
  const onFocus = useKeptFocus(heading, queues)
  const pictures = drawQueues(models, queues)
  const context = { openId, now, onOpen, onFocus, ...names }
  return (
    <section className={styles.section} aria-labelledby="activity-now">
      <h2 id="activity-now" ref={heading} tabIndex={-1}>
        {t('now-title')}
      </h2>
      {!known ? (
        <Skeleton rows={5} />
      ) : pictures.length === 0 ? (
        <EmptyState
          icon={<Box aria-hidden />}
          title={t('idle-title')}
          action={<Button onClick={() => go('/models')}>{t('go-to-models')}</Button>}
          command="npx outpost ps"
        >
          {t('idle-text')}
        </EmptyState>
      ) : (
        <ul className={styles.models}>
          {pictures.map((picture) => (
            <ModelQueue key={picture.id} picture={picture} context={context} />
          ))}
        </ul>
      )}
    </section>
  )
}
