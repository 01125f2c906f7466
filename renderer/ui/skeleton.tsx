import { type ReactNode, useEffect, useState } from 'react'
import { useFrameText } from '../messages/text.ts'
import styles from './skeleton.module.css'

const appearsAfterMs = 300

/** Rows that are on their way; nothing is seen of it for the first moments, so that what is quick does not flicker. */
export function Skeleton({ rows = 6 }: { rows?: number }) {
  const t = useFrameText()
  return (
    <Late>
      <div className={styles.skeleton} role="status" aria-label={t('loading')}>
        {Array.from({ length: rows }, (_, i) => i).map((row) => (
          <span key={row} />
        ))}
      </div>
    </Late>
  )
}

/** Shows its content only where it is still wanted after a moment. */
export function Late({ children }: { children: ReactNode }) {
  const [isLate, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), appearsAfterMs)
    return () => clearTimeout(timer)
  }, [])
  return isLate ? children : null
}
