import { type FormEvent, useState } from 'react'
import type { ApiError } from '../api.ts'
import { useFrameText } from '../messages/text.ts'
import { signIn } from '../session/session.ts'
import { announce } from '../ui/announcer.tsx'
import { Button } from '../ui/button.tsx'
import { CommandLine } from '../ui/command-line.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNote } from '../ui/error-note.tsx'
import { Field, TextInput } from '../ui/field.tsx'
import styles from './sign-in.module.css'

/** In place of everything, where the server speaks to nobody it does not know. */
export function SignInPage({ error }: { error: ApiError | undefined }) {
  const t = useFrameText()
  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <h1>{t('sign-in-title')}</h1>
        {error === undefined ? null : <ErrorNote title={t('sign-in-failed')} error={error} />}
        <p className={styles.quiet}>{t('sign-in-description')}</p>
        <SignInForm onDone={() => {}} />
      </div>
    </main>
  )
}

export function SignInDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const t = useFrameText()
  return (
    <Dialog open={open} onClose={onClose} title={t('sign-in-title')} description={t('sign-in-description')}>
      <SignInForm onDone={onClose} />
    </Dialog>
  )
}

function SignInForm({ onDone }: { onDone: () => void }) {
  const t = useFrameText()
  const [key, setKey] = useState('')
  const [problem, setProblem] = useState<{ missing: true } | { missing: false; error: ApiError }>()
  const [isBusy, setBusy] = useState(false)

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (key.trim() === '') return setProblem({ missing: true })
    setBusy(true)
    setProblem(undefined)
    try {
      const { client } = await signIn({ key: key.trim() })
      announce(t('signed-in', { name: client.name }))
      onDone()
    } catch (error) {
      setProblem({ missing: false, error: error as ApiError }) // signIn throws nothing else.
    } finally {
      setBusy(false)
    }
  }

  return (
    <form className={styles.form} onSubmit={(event) => void submit(event)} noValidate>
      <Field label={t('key')} error={problem?.missing === true ? t('key-missing') : undefined}>
        <TextInput
          mono
          type="password"
          name="key"
          autoComplete="current-password"
          spellCheck={false}
          value={key}
          onChange={(event) => setKey(event.target.value)}
        />
      </Field>
      {problem?.missing === false ? (
        <div role="alert">
          <ErrorNote title={t('sign-in-failed')} error={problem.error} />
        </div>
      ) : null}
      <Button kind="primary" submit disabled={isBusy}>
        {t('sign-in')}
      </Button>
      <div className={styles.owner}>
        <span>{t('sign-in-owner')}</span>
        <CommandLine command="npx outpost console" />
      </div>
    </form>
  )
}
