import type { Key } from '#contracts/key.ts'
import { useLanguage } from '../../text/text.ts'
import { StateMark } from '../../ui/state-mark.tsx'
import { Cell, Table } from '../../ui/table.tsx'
import type { Fresh } from './fresh-key.tsx'
import { KeyActions } from './key-actions.tsx'
import styles from './keys.module.css'
import { keysText } from './text.ts'

/** One row a key. Columns that a narrow window has no room for give way; name, state and what can be done stay. */
export function KeyTable({
  keys,
  projectName,
  onRotated
}: {
  keys: readonly Key[]
  projectName: (id: string) => string
  onRotated: (fresh: Fresh) => void
}) {
  const t = keysText.useText()
  const { formats } = useLanguage()
  return (
    <Table label={t('table')} className={styles.table}>
      <thead>
        <tr>
          <th scope="col">{t('name')}</th>
          <th scope="col" className={styles.role}>
            {t('role')}
          </th>
          <th scope="col" className={styles.project}>
            {t('project')}
          </th>
          <th scope="col" className={styles.lane}>
            {t('lane')}
          </th>
          <th scope="col" className={styles.prefix}>
            {t('prefix')}
          </th>
          <th scope="col" className={styles.created}>
            {t('created')}
          </th>
          <th scope="col" className={styles.used}>
            {t('used')}
          </th>
          <th scope="col">{t('state')}</th>
          <th scope="col" className={styles.actions}>
            <span className="hidden-visually">{t('actions')}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {keys.map((key) => (
          <tr key={key.id}>
            <th scope="row" className={styles.name} title={key.name}>
              <bdi>{key.name}</bdi>
            </th>
            <Cell className={styles.role}>{t(`role-${key.role}`)}</Cell>
            <Cell className={styles.project}>{key.projectId === null ? '–' : <bdi>{projectName(key.projectId)}</bdi>}</Cell>
            <Cell className={styles.lane}>{t(`lane-${key.lane}`)}</Cell>
            <Cell className={styles.prefix}>
              <code dir="ltr">{key.prefix}…</code>
            </Cell>
            <Cell className={styles.created}>{formats.time(Date.parse(key.createdAt))}</Cell>
            <Cell className={styles.used}>{key.lastUsedAt === null ? t('never') : formats.time(Date.parse(key.lastUsedAt))}</Cell>
            <Cell>
              {key.revokedAt === null ? (
                <StateMark tone="good">{t('state-valid')}</StateMark>
              ) : (
                <span title={formats.time(Date.parse(key.revokedAt))}>
                  <StateMark tone="quiet">{t('state-revoked')}</StateMark>
                </span>
              )}
            </Cell>
            <Cell className={styles.actions}>
              <KeyActions of={key} onRotated={onRotated} />
            </Cell>
          </tr>
        ))}
      </tbody>
    </Table>
  )
}
