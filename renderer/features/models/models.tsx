import { PackageOpen, Plus, SearchX } from 'lucide-react'
import { useRef, useState } from 'react'
import { useLocation, useRoute } from 'wouter'
import { useActions } from '../../frame/actions.ts'
import type { PageProps } from '../../frame/page.ts'
import { PageLayout } from '../../frame/page-layout.tsx'
import { useLive } from '../../live/live.ts'
import { useMay } from '../../session/session.ts'
import { useLanguage } from '../../text/text.ts'
import { Button } from '../../ui/button.tsx'
import { Chips } from '../../ui/chips.tsx'
import { EmptyState } from '../../ui/empty-state.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { Skeleton } from '../../ui/skeleton.tsx'
import type { Sorting } from '../../ui/sorting.ts'
import { AddModel } from './add-model.tsx'
import { type Column, countOf, type Filter, filterNames, listModels } from './model-list.ts'
import { ModelPanel } from './model-panel.tsx'
import { ModelTable } from './model-table.tsx'
import styles from './models.module.css'
import { modelsText } from './text.ts'

/** Every model there is, what fits, what is here and what is loaded, as it changes. */
export function ModelsPage({ title }: PageProps) {
  const t = modelsText.useText()
  const { formats } = useLanguage()
  const may = useMay()
  const known = useLive((state) => state.known)
  const models = useLive((state) => state.models)
  const [search, setSearch] = useState('')
  const [filter, setFilter] = useState<Filter>('all')
  const [sorting, setSorting] = useState<Sorting<Column>>()
  const [isAdding, setAdding] = useState(false)
  const searchField = useRef<HTMLInputElement>(null)
  const [, params] = useRoute<{ id: string }>('/models/:id')
  const [, go] = useLocation()
  const openId = params?.id
  const open = models.find(({ id }) => id === openId)
  const shown = listModels(models, filter, search, sorting)

  const openModel = (id: string) => go(`/models/${encodeURIComponent(id)}`)
  const close = () => {
    go('/models')
    if (openId !== undefined) document.getElementById(`model-${openId}`)?.focus()
  }
  useActions([
    { id: 'models-search', title: t('search'), group: title, shortcut: 'mod+f', run: () => searchField.current?.focus() },
    ...(may('orderPull') ? [{ id: 'models-add', title: t('add'), group: title, run: () => setAdding(true) }] : []),
    ...models.map(({ id, name }) => ({
      id: `models-open-${id}`,
      title: t('details', { name }),
      group: title,
      keywords: id,
      isOneOfMany: true,
      run: () => openModel(id)
    }))
  ])

  return (
    <PageLayout
      title={title}
      actions={
        may('orderPull') ? (
          <Button kind="primary" size="small" icon={<Plus aria-hidden />} onClick={() => setAdding(true)}>
            {t('add')}
          </Button>
        ) : undefined
      }
      aside={open === undefined ? undefined : <ModelPanel key={open.id} model={open} onClose={close} />}
    >
      <div className={styles.tools}>
        <SearchField label={t('search')} value={search} onChange={setSearch} inputRef={searchField} />
        <Chips
          label={t('filter')}
          value={filter}
          onChange={setFilter}
          chips={filterNames.map((name) => ({ name, label: t(`filter-${name}`), count: known ? formats.number(countOf(models, name)) : '' }))}
        />
      </div>
      {!known ? (
        <Skeleton rows={8} />
      ) : shown.length === 0 ? (
        <EmptyState
          icon={models.length === 0 ? <PackageOpen aria-hidden /> : <SearchX aria-hidden />}
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
          <ModelTable models={shown} openId={openId} onOpen={openModel} sorting={sorting} onSort={setSorting} />
        </div>
      )}
      {may('orderPull') ? <AddModel open={isAdding} onClose={() => setAdding(false)} onAdded={openModel} /> : null}
    </PageLayout>
  )
}
