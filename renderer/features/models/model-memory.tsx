import type { ModelStatus } from '#contracts/model.ts'
import { useLanguage } from '../../text/text.ts'
import { Facts } from '../../ui/facts.tsx'
import { Meter } from '../../ui/meter.tsx'
import { FitMark } from './fit-mark.tsx'
import styles from './models.module.css'
import { modelsText } from './text.ts'
import { useFit } from './use-fit.ts'

/** What a model needs of the memory that is free, and of what that is made. */
export function ModelMemory({ model }: { model: ModelStatus }) {
  const t = modelsText.useText()
  const { formats } = useLanguage()
  const { data, error } = useFit(model)
  if (data === undefined)
    return error === null ? null : (
      <section className={styles.section}>
        <h3>{t('memory-title')}</h3>
        <p className={styles.quiet}>{error.message}</p>
      </section>
    )
  const { need, available, slots, contextWindow, isEstimate, verdict } = data
  const level = verdict === 'none' ? 'bad' : verdict === 'fits' ? 'normal' : 'warn'
  return (
    <section className={styles.section}>
      <h3>{t('memory-title')}</h3>
      <Facts
        facts={[
          [
            t('fits'),
            <span key="fits">
              <FitMark model={model} />
              {isEstimate ? <span className={styles.quiet}> · {t('estimate')}</span> : null}
            </span>
          ],
          [t('for-context'), t('for-context-text', { tokens: contextWindow, count: slots })]
        ]}
      />
      {model.state === 'ready' ? null : (
        <Meter
          label={t('memory-need')}
          value={need.total}
          max={available.memory}
          level={level}
          text={t('memory-text', { need: formats.size(need.total), available: formats.size(available.memory) })}
        />
      )}
      <Facts
        facts={[
          [t('weights'), formats.size(need.weights)],
          [t('cache'), formats.size(need.cache)],
          [t('rest'), formats.size(need.compute + need.output + need.process)]
        ]}
      />
    </section>
  )
}
