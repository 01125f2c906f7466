import { Plus, X } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { ApiError, call } from '../../api.ts'
import { Button, IconButton } from '../../ui/button.tsx'
import { CommandLine } from '../../ui/command-line.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { ErrorNote } from '../../ui/error-note.tsx'
import { Field, TextInput } from '../../ui/field.tsx'
import { Tabs } from '../../ui/tabs.tsx'
import { commandOf, dataToJson, dataToRows, jsonToData, type Row, rowsToData } from './action-data.ts'
import { commandIn, usePlace } from './place.ts'
import styles from './plans.module.css'
import { plansText } from './text.ts'
import { TextArea } from './text-area.tsx'
import { useServices } from './use-plans.ts'

type Way = 'rows' | 'json'

/** Has an action planned and carried out, and leads to its plan. */
export function RunAction({ open, onClose }: { open: boolean; onClose: () => void }) {
  const t = plansText.useText()
  return (
    <Dialog open={open} onClose={onClose} title={t('run-title')}>
      <RunForm onDone={onClose} />
    </Dialog>
  )
}

function RunForm({ onDone }: { onDone: () => void }) {
  const t = plansText.useText()
  const { query, project, go } = usePlace()
  const { data: known } = useServices()
  const [action, setAction] = useState('')
  const [way, setWay] = useState<Way>('rows')
  const [rows, setRows] = useState<Row[]>([{ id: 0, field: '', value: '' }])
  const [json, setJson] = useState('')
  const [approval, setApproval] = useState<string[]>([])
  const [problem, setProblem] = useState<'action' | 'json' | ApiError>()
  const [isBusy, setBusy] = useState(false)
  const data = way === 'rows' ? rowsToData(rows) : jsonToData(json)

  const turnTo = (next: Way) => {
    if (next === 'json') setJson(dataToJson(rowsToData(rows)))
    else if (data !== undefined) setRows(dataToRows(data))
    setWay(next)
  }
  const change = (id: number, part: Partial<Row>) => setRows(rows.map((row) => (row.id === id ? { ...row, ...part } : row)))
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (action.trim() === '') return setProblem('action')
    if (data === undefined) return setProblem('json')
    setProblem(undefined)
    setBusy(true)
    try {
      const { plan } = await call('runPlan', { query, body: { action, data, approval, async: true } })
      onDone()
      go({ type: 'plan', id: plan.id })
    } catch (error) {
      setProblem(error as ApiError) // Calls throw nothing else.
    } finally {
      setBusy(false)
    }
  }

  return (
    <form className={styles.form} onSubmit={(event) => void submit(event)} noValidate>
      <Field label={t('action')} hint={t('action-hint')} error={problem === 'action' ? t('action-missing') : undefined}>
        <TextArea rows={3} value={action} onChange={setAction} />
      </Field>
      <Tabs
        label={t('data')}
        value={way}
        onChange={turnTo}
        tabs={[
          {
            name: 'rows',
            label: t('data'),
            content: (
              <div className={styles.rows}>
                {rows.map((row, i) => (
                  <div key={row.id} className={styles.row}>
                    <TextInput
                      mono
                      aria-label={`${t('field')} ${i + 1}`}
                      placeholder={t('field')}
                      value={row.field}
                      onChange={(event) => change(row.id, { field: event.target.value })}
                    />
                    <TextInput
                      mono
                      aria-label={`${t('value')} ${i + 1}`}
                      placeholder={t('value')}
                      value={row.value}
                      onChange={(event) => change(row.id, { value: event.target.value })}
                    />
                    <IconButton label={`${t('remove')} ${i + 1}`} icon={<X />} onClick={() => setRows(rows.filter(({ id }) => id !== row.id))} />
                  </div>
                ))}
                <Button
                  kind="plain"
                  size="small"
                  icon={<Plus aria-hidden />}
                  onClick={() => setRows([...rows, { id: Math.max(0, ...rows.map(({ id }) => id)) + 1, field: '', value: '' }])}
                >
                  {t('add-field')}
                </Button>
              </div>
            )
          },
          {
            name: 'json',
            label: 'JSON',
            content: (
              <Field label={t('json-label')} error={problem === 'json' ? t('json-wrong') : undefined}>
                <TextArea mono rows={6} value={json} onChange={setJson} />
              </Field>
            )
          }
        ]}
      />
      {known === undefined || known.services.length === 0 ? null : (
        <fieldset className={styles.choices}>
          <legend>{t('approval-title')}</legend>
          {known.services.map(({ id, name, approval: always }) => (
            <label key={id}>
              <input
                type="checkbox"
                checked={always || approval.includes(id)}
                disabled={always}
                onChange={({ target }) => setApproval(target.checked ? [...approval, id] : approval.filter((other) => other !== id))}
              />
              {name}
            </label>
          ))}
        </fieldset>
      )}
      {problem instanceof ApiError ? (
        <div role="alert">
          <ErrorNote title={t('run-failed')} error={problem} />
        </div>
      ) : null}
      <div className={styles.formEnd}>
        <CommandLine
          command={commandIn(
            project,
            `${commandOf(action.trim() === '' ? '…' : action, data ?? [])}${approval.map((id) => ` --approve ${id}`).join('')}`
          )}
        />
        <Button kind="primary" submit disabled={isBusy}>
          {t('run')}
        </Button>
      </div>
    </form>
  )
}
