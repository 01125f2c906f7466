import type { ModelStatus } from '#contracts/model.ts'
import { useLive } from '../../live/live.ts'
import { useMay } from '../../session/session.ts'
import { useLanguage } from '../../text/text.ts'
import { CommandLine } from '../../ui/command-line.tsx'
import { CopyButton } from '../../ui/copy-button.tsx'
import { Facts } from '../../ui/facts.tsx'
import { SidePanel } from '../../ui/side-panel.tsx'
import { ModelActions } from './model-actions.tsx'
import { ModelFiles } from './model-files.tsx'
import { ordersFor } from './model-list.ts'
import { ModelMemory } from './model-memory.tsx'
import { ModelState } from './model-state.tsx'
import styles from './models.module.css'
import { PullProgress } from './pull-progress.tsx'
import { modelsText } from './text.ts'

const verbs = { pull: 'pull', stop: 'pull', load: 'load', unload: 'unload', remove: 'rm' } as const

/** Everything about one model. */
export function ModelPanel({ model, onClose }: { model: ModelStatus; onClose: () => void }) {
  const t = modelsText.useText()
  const may = useMay()
  const { formats } = useLanguage()
  const pull = useLive((state) => state.pulls.get(model.id))
  const [order] = ordersFor(model)
  const { id, aliases, licence, contextWindow, slots, dimensions, trust, engine, createdAt, state } = model
  return (
    <SidePanel title={model.name} onClose={onClose}>
      <div className={styles.panelHead}>
        <ModelState model={model} />
        <span className={styles.panelActions}>
          <ModelActions model={model} />
        </span>
      </div>
      {model.reason === null ? null : <p className={styles.reason}>{model.reason}</p>}
      {pull?.state === 'running' ? <PullProgress name={model.name} pull={pull} /> : null}
      {may('loadModel') ? null : <p className={styles.quiet}>{t('only-looking')}</p>}
      <ModelMemory model={model} />
      <section className={styles.section}>
        <h3>{t('about-title')}</h3>
        <Facts
          facts={[
            [
              t('id'),
              <span key="id" className={styles.id}>
                <code>{id}</code>
                <CopyButton text={id} what={t('copy-id')} />
              </span>
            ],
            [t('aliases'), aliases.length === 0 ? null : aliases.join(', ')],
            [t('size'), model.size === 0 ? null : formats.size(model.size)],
            [t('context'), t('tokens', { tokens: contextWindow })],
            [t('slots'), slots === null ? null : formats.number(slots)],
            [t('dimensions'), dimensions === null ? null : formats.number(dimensions)],
            [t('licence'), licence],
            [t('trust'), t(`trust-${trust}`)],
            [t('engine'), engine],
            [t('since'), state === 'absent' || state === 'pulling' ? null : formats.time(createdAt)]
          ]}
        />
      </section>
      <ModelFiles model={model} />
      {order === undefined || !may('loadModel') ? null : (
        <section className={styles.section}>
          <h3>{t('command-line')}</h3>
          <CommandLine command={`npx outpost ${verbs[order]} ${id}`} />
        </section>
      )}
    </SidePanel>
  )
}
