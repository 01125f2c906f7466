import { type FormEvent, useEffect, useRef, useState } from 'react'
import type { Lane } from '#contracts/job.ts'
import type { KeyRole } from '#contracts/key.ts'
import type { Project } from '#contracts/plan-api.ts'
import { ApiError, call } from '../../api.ts'
import { useFrameText } from '../../messages/text.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorNote } from '../../ui/error-note.tsx'
import { Field, TextInput } from '../../ui/field.tsx'
import { Select } from '../../ui/select.tsx'
import type { Fresh } from './fresh-key.tsx'
import styles from './keys.module.css'
import { keysText } from './text.ts'
import { keepKey } from './use-keys.ts'

const roles: readonly KeyRole[] = ['user', 'project', 'administrator']
const lanes: readonly Lane[] = ['interactive', 'planning', 'normal', 'batch']

/** Makes a key in place. Escape leaves it. */
export function NewKeyForm({ projects, onMade, onClose }: { projects: readonly Project[]; onMade: (fresh: Fresh) => void; onClose: () => void }) {
  const t = keysText.useText()
  const frame = useFrameText()
  const [name, setName] = useState('')
  const [role, setRole] = useState<KeyRole>('user')
  const [lane, setLane] = useState<Lane>('interactive')
  const [chosen, setProject] = useState<string>()
  const [problem, setProblem] = useState<'missing' | ApiError>()
  const [isBusy, setBusy] = useState(false)
  const first = useRef<HTMLInputElement>(null)
  const project = chosen ?? projects[0]?.id
  const withoutProject = role === 'project' && project === undefined
  useEffect(() => first.current?.focus(), [])

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (name.trim() === '') {
      first.current?.focus()
      return setProblem('missing')
    }
    setProblem(undefined)
    setBusy(true)
    try {
      const fresh = await call('createKey', {
        body: { name: name.trim(), role, lane, ...(role === 'project' && project !== undefined ? { project } : {}) }
      })
      keepKey(fresh.key)
      onMade(fresh)
    } catch (error) {
      setProblem(error as ApiError) // Calls throw nothing else.
      setBusy(false)
    }
  }

  return (
    <form
      className={styles.form}
      aria-label={t('make-title')}
      onSubmit={(event) => void submit(event)}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || event.defaultPrevented) return
        event.stopPropagation()
        onClose()
      }}
      noValidate
    >
      <h2>{t('make-title')}</h2>
      <div className={styles.fields}>
        <Field label={t('name')} hint={t('name-hint')} error={problem === 'missing' ? t('name-missing') : undefined}>
          <TextInput ref={first} value={name} maxLength={100} autoComplete="off" onChange={(event) => setName(event.target.value)} />
        </Field>
        <Field label={t('role')} hint={t(`role-hint-${role}`)}>
          <Select value={role} onChange={setRole} options={roles.map((value) => ({ value, label: t(`role-${value}`) }))} />
        </Field>
        <Field label={t('lane')} hint={t('lane-hint')}>
          <Select value={lane} onChange={setLane} options={lanes.map((value) => ({ value, label: t(`lane-${value}`) }))} />
        </Field>
        {role === 'project' && project !== undefined ? (
          <Field label={t('project')} hint={t('project-hint')}>
            <Select value={project} onChange={setProject} options={projects.map(({ id, name: label }) => ({ value: id, label }))} />
          </Field>
        ) : null}
      </div>
      {withoutProject ? <p role="status">{t('no-project')}</p> : null}
      {problem instanceof ApiError ? (
        <div role="alert">
          <ErrorNote title={t('make-failed')} error={problem} />
        </div>
      ) : null}
      <div className={styles.formEnd}>
        <Button onClick={onClose}>{frame('cancel')}</Button>
        <Button kind="primary" submit disabled={isBusy || withoutProject}>
          {t('make')}
        </Button>
      </div>
    </form>
  )
}
