import { Pin } from 'lucide-react'
import type { ModelStatus } from '#contracts/model.ts'
import { useLanguage } from '../../text/text.ts'
import { StateMark } from '../../ui/state-mark.tsx'
import { Tooltip } from '../../ui/tooltip.tsx'
import { tones } from './model-list.ts'
import styles from './models.module.css'
import { modelsText } from './text.ts'

export function ModelState({ model }: { model: ModelStatus }) {
  const t = modelsText.useText()
  const { formats } = useLanguage()
  const { state, percent, pinned } = model
  const word =
    state === 'loading' || state === 'pulling'
      ? t(`state-${state}`, { percent: percent === null ? '' : formats.percent(percent) })
      : t(`state-${state}`)
  return (
    <span className={styles.state}>
      <StateMark tone={tones[state]}>{word}</StateMark>
      {pinned ? (
        <Tooltip text={t('pinned')}>
          <span className={styles.pin} role="img" aria-label={t('pinned')}>
            <Pin aria-hidden />
          </span>
        </Tooltip>
      ) : null}
    </span>
  )
}
