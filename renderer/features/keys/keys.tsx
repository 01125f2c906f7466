import { KeyRound, Lock, Plus, SearchX } from 'lucide-react'
import { useRef, useState } from 'react'
import { useActions } from '../../frame/actions.ts'
import type { PageProps } from '../../frame/page.ts'
import { PageLayout } from '../../frame/page-layout.tsx'
import { useMay } from '../../session/session.ts'
import { useLanguage } from '../../text/text.ts'
import { Button } from '../../ui/button.tsx'
import { Chips } from '../../ui/chips.tsx'
import { EmptyState } from '../../ui/empty-state.tsx'
import { ErrorNote } from '../../ui/error-note.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { Skeleton } from '../../ui/skeleton.tsx'
import { type Fresh, FreshKey } from './fresh-key.tsx'
import { countOf, type Filter, filterNames, listKeys } from './key-list.ts'
import { KeyTable } from './key-table.tsx'
import styles from './keys.module.css'
import { NewKeyForm } from './new-key.tsx'
import { keysText } from './text.ts'
import { useKeys, useProjects } from './use-keys.ts'

/** Who may use this server: makes keys, gives them new secrets and revokes them. Says why not to who may not. */
export function KeysPage({ title }: PageProps) {
  const t = keysText.useText()
  const may = useMay()
  if (may('keys')) return <KeyRoom title={title} />
  return (
    <PageLayout title={title}>
      <EmptyState icon={<Lock aria-hidden />} title={t('refused-title')}>
        {t('refused-text')}
      </EmptyState>
    </PageLayout>
  )
}

function KeyRoom({ title }: PageProps) {
  const t = keysText.useText()
  const { formats } = useLanguage()
  const { keys, error } = useKeys()
  const { projects, nameOf } = useProjects()
  const [search, setSearch] = useState('')
  const [filter, setFilter] = useState<Filter>('valid')
  const [isMaking, setMaking] = useState(false)
  const [fresh, setFresh] = useState<Fresh>()
  const searchField = useRef<HTMLInputElement>(null)
  const makeButton = useRef<HTMLButtonElement>(null)
  const shown = listKeys(keys ?? [], filter, search, nameOf)
  const make = () => {
    setFresh(undefined)
    setMaking(true)
  }
  const show = (next: Fresh) => {
    setMaking(false)
    setFresh(next)
  }
  const close = () => {
    setMaking(false)
    setFresh(undefined)
    makeButton.current?.focus()
  }
  useActions([
    { id: 'keys-search', title: t('search'), group: title, shortcut: 'mod+f', run: () => searchField.current?.focus() },
    { id: 'keys-make', title: t('make'), group: title, run: make }
  ])

  return (
    <PageLayout
      title={title}
      actions={
        <Button ref={makeButton} kind="primary" size="small" icon={<Plus aria-hidden />} aria-expanded={isMaking} onClick={make}>
          {t('make')}
        </Button>
      }
    >
      {isMaking ? <NewKeyForm projects={projects} onMade={show} onClose={close} /> : null}
      {fresh === undefined ? null : <FreshKey key={fresh.secret} fresh={fresh} onClose={close} />}
      {error !== undefined && keys === undefined ? (
        <div className={styles.note} role="alert">
          <ErrorNote title={t('list-failed')} error={error} />
        </div>
      ) : keys === undefined ? (
        <Skeleton rows={6} />
      ) : keys.length === 0 ? (
        isMaking ? null : (
          <EmptyState
            icon={<KeyRound aria-hidden />}
            title={t('none-title')}
            action={<Button onClick={make}>{t('make')}</Button>}
            command="npx outpost keys create NAME"
          >
            {t('none-text')}
          </EmptyState>
        )
      ) : (
        <>
          <div className={styles.tools}>
            <SearchField label={t('search')} value={search} onChange={setSearch} inputRef={searchField} />
            <Chips
              label={t('filter')}
              value={filter}
              onChange={setFilter}
              chips={filterNames.map((name) => ({ name, label: t(`filter-${name}`), count: formats.number(countOf(keys, name)) }))}
            />
          </div>
          {shown.length === 0 ? (
            <EmptyState
              icon={<SearchX aria-hidden />}
              title={t('empty-title')}
              action={
                <Button
                  onClick={() => {
                    setSearch('')
                    setFilter('all')
                  }}
                >
                  {t('show-all')}
                </Button>
              }
            >
              {t('empty-text')}
            </EmptyState>
          ) : (
            <div className={styles.list}>
              <KeyTable keys={shown} projectName={nameOf} onRotated={show} />
            </div>
          )}
        </>
      )}
    </PageLayout>
  )
}
