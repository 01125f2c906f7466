import type { Key } from '#contracts/key.ts'

export const filterNames = ['valid', 'revoked', 'all'] as const
export type Filter = (typeof filterNames)[number]

/** Keys of a filter that a search finds in name, prefix or project; valid ones first, then the newest. */
export function listKeys(keys: readonly Key[], filter: Filter, search: string, projectName: (id: string) => string): Key[] {
  const wanted = search.trim().toLowerCase()
  return keys
    .filter((key) => isIn(key, filter))
    .filter(({ name, prefix, projectId }) =>
      [name, prefix, projectId === null ? '' : projectName(projectId)].some((text) => text.toLowerCase().includes(wanted))
    )
    .sort((one, other) => Number(one.revokedAt !== null) - Number(other.revokedAt !== null) || other.createdAt.localeCompare(one.createdAt))
}

export function countOf(keys: readonly Key[], filter: Filter): number {
  return keys.filter((key) => isIn(key, filter)).length
}

function isIn({ revokedAt }: Key, filter: Filter): boolean {
  return filter === 'all' || (filter === 'revoked') === (revokedAt !== null)
}
