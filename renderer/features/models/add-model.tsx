import { type FormEvent, type ReactNode, useState } from 'react'
import { ApiError, call } from '../../api.ts'
import { Button } from '../../ui/button.tsx'
import { CommandLine } from '../../ui/command-line.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { ErrorNote } from '../../ui/error-note.tsx'
import { Field, TextInput } from '../../ui/field.tsx'
import { Tabs } from '../../ui/tabs.tsx'
import { showToast } from '../../ui/toast-store.ts'
import styles from './models.module.css'
import { modelsText } from './text.ts'

type Way = 'place' | 'file'

/** Brings a model by its name or from a place, or uses a file of the server's machine. */
export function AddModel({ open, onClose, onAdded }: { open: boolean; onClose: () => void; onAdded: (id: string) => void }) {
  const t = modelsText.useText()
  const [way, setWay] = useState<Way>('place')
  const done = (id: string, text: string) => {
    showToast(text)
    onClose()
    onAdded(id)
  }
  return (
    <Dialog open={open} onClose={onClose} title={t('add-title')}>
      <Tabs
        label={t('add-from')}
        value={way}
        onChange={setWay}
        tabs={[
          {
            name: 'place',
            label: t('add-place'),
            content: (
              <AddForm
                label={t('place-label')}
                hint={t('place-hint')}
                button={t('pull')}
                command={(value) => `npx outpost pull ${value}`}
                send={async (model) => {
                  const { model: id } = await call('orderPull', { body: { model } })
                  done(id, t('pull-started', { name: id }))
                }}
              />
            )
          },
          {
            name: 'file',
            label: t('add-file'),
            content: (
              <AddForm
                label={t('file-label')}
                hint={t('file-hint')}
                button={t('add')}
                command={(value) => `npx outpost adopt ${value}`}
                send={async (path) => {
                  const { model: id } = await call('adoptModel', { body: { path } })
                  done(id, t('added', { name: id }))
                }}
              />
            )
          }
        ]}
      />
    </Dialog>
  )
}

type AddFormProps = {
  label: string
  hint: string
  button: string
  command: (value: string) => string
  send: (value: string) => Promise<void>
}

function AddForm({ label, hint, button, command, send }: AddFormProps): ReactNode {
  const t = modelsText.useText()
  const [value, setValue] = useState('')
  const [problem, setProblem] = useState<'missing' | ApiError>()
  const [isBusy, setBusy] = useState(false)
  const wanted = value.trim()

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (wanted === '') return setProblem('missing')
    setProblem(undefined)
    setBusy(true)
    try {
      await send(wanted)
    } catch (error) {
      setProblem(error as ApiError) // Calls throw nothing else.
    } finally {
      setBusy(false)
    }
  }

  return (
    <form className={styles.form} onSubmit={(event) => void submit(event)} noValidate>
      <Field label={label} hint={hint} error={problem === 'missing' ? t('add-missing') : undefined}>
        <TextInput mono dir="ltr" value={value} spellCheck={false} autoComplete="off" onChange={(event) => setValue(event.target.value)} />
      </Field>
      {problem instanceof ApiError ? (
        <div role="alert">
          <ErrorNote title={t('add-failed')} error={problem} />
        </div>
      ) : null}
      <div className={styles.formEnd}>
        <CommandLine command={command(wanted === '' ? '…' : quoted(wanted))} />
        <Button kind="primary" submit disabled={isBusy}>
          {button}
        </Button>
      </div>
    </form>
  )
}

/** As a shell takes it whole. */
function quoted(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
