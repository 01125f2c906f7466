import type { PlanProgress } from '#contracts/plan-api.ts'
import { useLanguage } from '../../text/text.ts'
import { Progress } from '../../ui/progress.tsx'
import styles from './plans.module.css'
import { plansText } from './text.ts'

/** How the planning goes: in line, loading the model, thinking, writing. */
export function PlanningProgress({ progress }: { progress: PlanProgress | undefined }) {
  const t = plansText.useText()
  const { formats } = useLanguage()
  const text = (() => {
    switch (progress?.type) {
      case undefined:
        return t('progress-begun')
      case 'waiting':
        return progress.etaMs === null
          ? t('progress-position', { position: progress.position })
          : t('progress-waiting', { position: progress.position, time: formats.duration(progress.etaMs) })
      case 'loading':
        return t('progress-model', { percent: formats.percent(progress.percent) })
      case 'attempt':
        return t('progress-attempt', { attempt: progress.attempt })
      case 'thinking':
        return t('progress-thinking', { characters: progress.characters })
      case 'writing':
        return t('progress-writing', { characters: progress.characters })
    }
  })()
  return (
    <div className={styles.planning}>
      <Progress label={t('planning')} value={progress?.type === 'loading' ? progress.percent : null} text={text} />
      <p className={styles.quiet}>{text}</p>
    </div>
  )
}
