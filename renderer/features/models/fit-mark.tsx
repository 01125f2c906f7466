import type { ModelStatus } from '#contracts/model.ts'
import { useLanguage } from '../../text/text.ts'
import { StateMark } from '../../ui/state-mark.tsx'
import { modelsText } from './text.ts'
import { useFit } from './use-fit.ts'

/** Whether a model fits this machine, in a word and a sign. What is loaded does. */
export function FitMark({ model }: { model: ModelStatus }) {
  const t = modelsText.useText()
  const { formats } = useLanguage()
  const { data, isError } = useFit(model)
  if (model.state === 'ready') return <StateMark tone="good">{t('fits-yes')}</StateMark>
  if (data === undefined)
    return <StateMark tone="none">{isError ? t('fits-unknown') : <span className="hidden-visually">{t('fits-checking')}</span>}</StateMark>
  switch (data.verdict) {
    case 'fits':
      return <StateMark tone="good">{t('fits-yes')}</StateMark>
    case 'context':
      return <StateMark tone="warn">{t('fits-context', { tokens: formats.compact(data.largestContext) })}</StateMark>
    case 'layers':
      return <StateMark tone="warn">{t('fits-layers')}</StateMark>
    case 'none':
      return <StateMark tone="bad">{t('fits-no', { size: formats.size(data.least) })}</StateMark>
  }
}
