import { CloudOff, ShieldCheck, TriangleAlert } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { Link } from 'wouter'
import { useLive } from '../live/live.ts'
import { loadOf } from '../live/live-state.ts'
import { useFrameText } from '../messages/text.ts'
import { useMay, useSession } from '../session/session.ts'
import { announce } from '../ui/announcer.tsx'
import { pages } from './pages.ts'
import styles from './status-corner.module.css'

/** How the server is, the same on every page; it leads to Activity where that is. */
export function StatusCorner() {
  const t = useFrameText()
  const may = useMay()
  const session = useSession()
  const connection = useLive((state) => state.connection)
  const known = useLive((state) => state.known)
  const readiness = useLive((state) => state.readiness)
  const models = useLive((state) => state.models)
  const queues = useLive((state) => state.queues)
  const { waiting, running, slots } = loadOf({ models, queues })
  useConnectionNews(connection)

  const isAway = connection === 'reconnecting' || connection === 'offline'
  const content = (
    <>
      {session.type === 'known' && session.session.server.airGap ? (
        <span className={styles.item}>
          <ShieldCheck aria-hidden />
          {t('air-gap')}
        </span>
      ) : null}
      {isAway ? (
        <span className={styles.away}>
          <CloudOff aria-hidden />
          {t(`connection-${connection}`)}
        </span>
      ) : null}
      {!isAway && known && !readiness.ready ? (
        <span className={styles.item} title={readiness.reason?.message}>
          <TriangleAlert aria-hidden />
          {t('not-ready')}
        </span>
      ) : null}
      {!isAway && waiting > 0 ? <span className={styles.item}>{t('waiting', { count: waiting })}</span> : null}
      {!isAway && known ? <span className={styles.item}>{slots === 0 ? t('no-slots') : t('slots-used', { running, slots })}</span> : null}
    </>
  )
  const activity = pages.find(({ name, isFor }) => name === 'activity' && isFor(may))
  return activity === undefined ? (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for controls, and these are none.
    <div className={styles.corner} role="group" aria-label={t('status')}>
      {content}
    </div>
  ) : (
    <Link href="/activity" className={styles.corner}>
      <span className="hidden-visually">{t('status')}</span>
      {content}
    </Link>
  )
}

/** A lost connection and its return are heard; the counts beside it change too often for that. */
function useConnectionNews(connection: 'connecting' | 'live' | 'reconnecting' | 'offline'): void {
  const t = useFrameText()
  const before = useRef(connection)
  useEffect(() => {
    const last = before.current
    before.current = connection
    if (last === connection || last === 'connecting') return
    if (connection !== 'connecting') announce(t(`connection-${connection}`))
  }, [connection, t])
}
