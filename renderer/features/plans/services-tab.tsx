import { Blocks } from 'lucide-react'
import type { ServiceView } from '#contracts/plan-api.ts'
import { call } from '../../api.ts'
import { useMay } from '../../session/session.ts'
import { useLanguage } from '../../text/text.ts'
import { EmptyState } from '../../ui/empty-state.tsx'
import { Facts } from '../../ui/facts.tsx'
import { StateMark } from '../../ui/state-mark.tsx'
import { Asked } from './asked.tsx'
import { ConfirmButton } from './confirm-button.tsx'
import { JsonText } from './json-text.tsx'
import { commandIn, usePlace } from './place.ts'
import styles from './plans.module.css'
import { plansText } from './text.ts'
import { useOrder } from './use-order.ts'
import { useServices } from './use-plans.ts'

/** Services and agents: whether they are there, what they take and give. */
export function ServicesTab() {
  const t = plansText.useText()
  const { project } = usePlace()
  const answer = useServices()
  return (
    <Asked answer={answer}>
      {({ services }) =>
        services.length === 0 ? (
          <EmptyState icon={<Blocks aria-hidden />} title={t('no-services')} command={commandIn(project, 'service list')}>
            {t('no-services-text')}
          </EmptyState>
        ) : (
          <div className={styles.cards}>
            {services.map((service) => (
              <ServiceCard key={service.id} service={service} />
            ))}
          </div>
        )
      }
    </Asked>
  )
}

function ServiceCard({ service }: { service: ServiceView }) {
  const t = plansText.useText()
  const { formats } = useLanguage()
  const may = useMay()
  const { query } = usePlace()
  const order = useOrder('plan-services')
  const { id, name, description, healthy, instances, version, origin, revertible, approval, input, output, registeredAt } = service
  return (
    <section className={styles.item} aria-label={name}>
      <div className={styles.itemHead}>
        <h2 dir="auto">{name}</h2>
        <StateMark tone={healthy ? 'good' : 'warn'}>
          {healthy ? (origin === 'connected' ? t('instances', { count: instances }) : t('healthy')) : t('away')}
        </StateMark>
      </div>
      <p className={styles.quiet} dir="auto">
        {description}
      </p>
      <Facts
        facts={[
          [t('origin'), t(`origin-${origin}`)],
          [t('version'), `${formats.number(version)} · ${formats.time(registeredAt)}`],
          [t('rules'), [revertible ? t('revertible') : undefined, approval ? t('wants-approval') : undefined].filter(Boolean).join(' · ') || null]
        ]}
      />
      <details>
        <summary>{t('schemas')}</summary>
        <h3>{t('takes')}</h3>
        <JsonText value={input} />
        <h3>{t('gives')}</h3>
        <JsonText value={output} />
      </details>
      {may('removeService') && origin === 'connected' ? (
        <div>
          <ConfirmButton
            label={t('remove')}
            of={name}
            title={t('remove-title', { name })}
            text={t('remove-service-text')}
            onConfirm={() => void order(() => call('removeService', { params: { id }, query }))}
          />
        </div>
      ) : null}
    </section>
  )
}
