import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { type ApiError, call } from '../../api.ts'
import { useLanguage } from '../../text/text.ts'
import { Button } from '../../ui/button.tsx'
import { CommandLine } from '../../ui/command-line.tsx'
import { CopyButton } from '../../ui/copy-button.tsx'
import { ErrorNote } from '../../ui/error-note.tsx'
import { Field, TextInput } from '../../ui/field.tsx'
import { Select } from '../../ui/select.tsx'
import { Asked } from './asked.tsx'
import { ConfirmButton } from './confirm-button.tsx'
import { Deliveries } from './deliveries.tsx'
import { commandIn, usePlace } from './place.ts'
import styles from './plans.module.css'
import { plansText } from './text.ts'
import { useOrder } from './use-order.ts'

type Kind = 'plan' | 'compensation'

/** Who is told how plans end, and what was sent there. */
export function WebhooksTab() {
  const t = plansText.useText()
  const { formats } = useLanguage()
  const { query } = usePlace()
  const order = useOrder('plan-webhooks')
  const answer = useQuery({ queryKey: ['plan-webhooks', query], queryFn: ({ signal }) => call('webhooks', { query }, signal) })
  return (
    <div className={styles.column}>
      <AddWebhook />
      <Asked answer={answer}>
        {({ webhooks }) =>
          webhooks.length === 0 ? (
            <p className={styles.quiet}>{t('no-webhooks')}</p>
          ) : (
            <>
              {webhooks.map(({ id, kind, url, createdAt }) => (
                <section key={id} className={styles.item} aria-label={url}>
                  <div className={styles.itemHead}>
                    <code>{url}</code>
                    <ConfirmButton
                      label={t('remove')}
                      of={url}
                      title={t('remove-title', { name: url })}
                      text={t('remove-webhook-text')}
                      onConfirm={() => void order(() => call('removeWebhook', { params: { id }, query }))}
                    />
                  </div>
                  <p className={styles.quiet}>
                    {t(`kind-${kind}`)} · {formats.time(createdAt)}
                  </p>
                </section>
              ))}
              <Deliveries />
            </>
          )
        }
      </Asked>
    </div>
  )
}

function AddWebhook() {
  const t = plansText.useText()
  const { query, project } = usePlace()
  const order = useOrder('plan-webhooks')
  const [url, setUrl] = useState('')
  const [kind, setKind] = useState<Kind>('plan')
  const [made, setMade] = useState<{ url: string; secret: string }>()
  const [problem, setProblem] = useState<ApiError>()
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setProblem(undefined)
    await order(async () => {
      try {
        const { webhook, secret } = await call('addWebhook', { query, body: { url: url.trim(), kind } })
        setMade({ url: webhook.url, secret })
        setUrl('')
      } catch (error) {
        setProblem(error as ApiError) // Calls throw nothing else.
      }
    })
  }
  return (
    <form className={styles.form} onSubmit={(event) => void submit(event)} noValidate>
      <div className={styles.addWebhook}>
        <Field label={t('webhook-url')}>
          <TextInput mono dir="ltr" type="url" value={url} autoComplete="off" onChange={(event) => setUrl(event.target.value)} />
        </Field>
        <Select
          label={t('told-of')}
          value={kind}
          onChange={setKind}
          options={(['plan', 'compensation'] as const).map((value) => ({ value, label: t(`kind-${value}`) }))}
        />
        <Button submit disabled={url.trim() === ''}>
          {t('add-webhook')}
        </Button>
      </div>
      {problem === undefined ? null : (
        <div role="alert">
          <ErrorNote title={t('order-failed')} error={problem} />
        </div>
      )}
      {made === undefined ? (
        <span className={styles.command}>
          <CommandLine
            command={commandIn(
              project,
              `webhook add ${url.trim() === '' ? 'URL' : `'${url.trim().replaceAll("'", "'\\''")}'`}${kind === 'compensation' ? ' --compensation' : ''}`
            )}
          />
        </span>
      ) : (
        <div className={styles.notice} role="status">
          <p>{t('secret-text', { url: made.url })}</p>
          <p>
            <code>{made.secret}</code> <CopyButton text={made.secret} what={t('copy-secret')} />
          </p>
        </div>
      )}
    </form>
  )
}
