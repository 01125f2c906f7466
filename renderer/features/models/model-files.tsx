import { useQuery } from '@tanstack/react-query'
import type { ModelStatus } from '#contracts/model.ts'
import { ApiError, call } from '../../api.ts'
import { useLanguage } from '../../text/text.ts'
import { ErrorNote } from '../../ui/error-note.tsx'
import { Facts } from '../../ui/facts.tsx'
import styles from './models.module.css'
import { modelsText } from './text.ts'

/** What the headers of a model's files say; nothing of one that is not here. */
export function ModelFiles({ model }: { model: ModelStatus }) {
  const t = modelsText.useText()
  const { formats } = useLanguage()
  const isHere = model.size > 0 && model.state !== 'absent' && model.state !== 'pulling'
  const { data, error } = useQuery({
    queryKey: ['description', model.id],
    queryFn: ({ signal }) => call('describeModel', { params: { id: model.id } }, signal),
    enabled: isHere,
    staleTime: Number.POSITIVE_INFINITY
  })
  if (!isHere) return null
  if (error instanceof ApiError)
    return (
      <section className={styles.section}>
        <h3>{t('weights-title')}</h3>
        <ErrorNote title={t('description-failed')} error={error} />
      </section>
    )
  if (data === undefined) return null
  const { architecture, parameters, quantisation, template, tokenizer, files } = data.description
  return (
    <section className={styles.section}>
      <h3>{t('weights-title')}</h3>
      <Facts
        facts={[
          [t('architecture'), architecture],
          [t('parameters'), formats.number(parameters)],
          [t('quantisation'), quantisation],
          [
            t('template'),
            template === null
              ? null
              : t('template-text', {
                  kind: template.kind,
                  tools: template.hasTools ? t('with-tools') : '',
                  reasoning: template.hasReasoning ? t('with-reasoning') : ''
                })
          ],
          [t('vocabulary'), tokenizer === null ? null : t('tokens', { tokens: tokenizer.tokens })],
          ...files.map(({ name, size }) => [t('file'), `${name} · ${formats.size(size)}`] as const)
        ]}
      />
    </section>
  )
}
