import type { ModelStatus } from '#contracts/model.ts'
import { useLanguage } from '../../text/text.ts'
import type { Sorting } from '../../ui/sorting.ts'
import { Cell, SortHead, Table } from '../../ui/table.tsx'
import { FitMark } from './fit-mark.tsx'
import { ModelActions } from './model-actions.tsx'
import type { Column } from './model-list.ts'
import { ModelState } from './model-state.tsx'
import styles from './models.module.css'
import { modelsText } from './text.ts'

/** The name is the way into the details; a click anywhere in a row is the same. */
export function ModelTable({
  models,
  openId,
  onOpen,
  sorting,
  onSort
}: {
  models: readonly ModelStatus[]
  openId: string | undefined
  onOpen: (id: string) => void
  sorting: Sorting<Column> | undefined
  onSort: (sorting: Sorting<Column>) => void
}) {
  const t = modelsText.useText()
  return (
    <Table label={t('table')} className={styles.table}>
      <thead>
        <tr>
          <SortHead column="name" sorting={sorting} onSort={onSort}>
            {t('name')}
          </SortHead>
          <th scope="col" className={styles.for}>
            {t('for')}
          </th>
          <SortHead column="size" sorting={sorting} onSort={onSort} numeric className={styles.size}>
            {t('size')}
          </SortHead>
          <th scope="col" className={styles.fits}>
            {t('fits')}
          </th>
          <SortHead column="state" sorting={sorting} onSort={onSort}>
            {t('state')}
          </SortHead>
          <th scope="col" className={styles.licence}>
            {t('licence')}
          </th>
          <th scope="col" className={styles.actions}>
            <span className="hidden-visually">{t('actions')}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {models.map((model) => (
          <ModelRow key={model.id} model={model} isOpen={model.id === openId} onOpen={() => onOpen(model.id)} />
        ))}
      </tbody>
    </Table>
  )
}

function ModelRow({ model, isOpen, onOpen }: { model: ModelStatus; isOpen: boolean; onOpen: () => void }) {
  const t = modelsText.useText()
  const { formats } = useLanguage()
  const uses = model.uses.length > 0 ? [...new Set(model.uses)].map((use) => t(`use-${use}`)) : [t(`kind-${model.kind}`)]
  return (
    <tr
      aria-current={isOpen}
      onClick={(event) => {
        if (
          event.target instanceof Element &&
          event.target.closest('button, [role=menu], [role=dialog]') === null &&
          event.currentTarget.contains(event.target)
        )
          onOpen()
      }}
    >
      <Cell className={styles.nameCell}>
        <button type="button" id={`model-${model.id}`} className={styles.name} onClick={onOpen} aria-label={t('details', { name: model.name })}>
          {model.name}
        </button>
      </Cell>
      <Cell className={styles.for}>{uses.join(', ')}</Cell>
      <Cell numeric className={styles.size}>
        {model.size === 0 ? '–' : formats.size(model.size)}
      </Cell>
      <Cell className={styles.fits}>
        <FitMark model={model} />
      </Cell>
      <Cell>
        <ModelState model={model} />
      </Cell>
      <Cell className={styles.licence}>{model.licence}</Cell>
      <Cell className={styles.actions}>
        <span>
          <ModelActions model={model} inRow />
        </span>
      </Cell>
    </tr>
  )
}
