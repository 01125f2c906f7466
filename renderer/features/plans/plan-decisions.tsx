import { Check, X } from 'lucide-react'
import { useState } from 'react'
import type { TimelineTask } from '#contracts/plan-views.ts'
import { call } from '../../api.ts'
import { useMay } from '../../session/session.ts'
import { Button } from '../../ui/button.tsx'
import { Field, TextInput } from '../../ui/field.tsx'
import { showError } from '../../ui/toast-store.ts'
import { usePlace } from './place.ts'
import styles from './plans.module.css'
import { plansText } from './text.ts'

/** Tasks that wait for a person, with the buttons for who is one. */
export function PlanDecisions({ id, tasks }: { id: string; tasks: readonly TimelineTask[] }) {
  return (
    <>
      {tasks.map((task) => (
        <Decide key={task.task} id={id} task={task} />
      ))}
    </>
  )
}

function Decide({ id, task: { task, serviceName } }: { id: string; task: TimelineTask }) {
  const t = plansText.useText()
  const may = useMay()
  const { query } = usePlace()
  const [note, setNote] = useState('')
  const [isBusy, setBusy] = useState(false)
  const title = t('waits', { task, service: serviceName })
  const decide = (approved: boolean) => {
    setBusy(true)
    call('decideTask', { params: { id }, query, body: { task, approved, ...(note.trim() === '' ? {} : { note }) } })
      .catch((error: unknown) => showError(t('order-failed'), error))
      .finally(() => setBusy(false))
  }
  return (
    <section className={styles.notice} aria-label={title}>
      <p>
        <strong>{title}</strong>
      </p>
      {may('decideTask') ? (
        <>
          <Field label={t('note')}>
            <TextInput value={note} onChange={(event) => setNote(event.target.value)} />
          </Field>
          <div className={styles.buttons}>
            <Button kind="primary" disabled={isBusy} icon={<Check aria-hidden />} onClick={() => decide(true)}>
              {t('approve')}
            </Button>
            <Button disabled={isBusy} icon={<X aria-hidden />} onClick={() => decide(false)}>
              {t('refuse')}
            </Button>
          </div>
        </>
      ) : (
        <p>{t('approve-people')}</p>
      )}
    </section>
  )
}
