import type { Page } from './page.ts'

/** Every page of this build, in the order of the rail. */
export const pages: readonly Page[] = Object.values(import.meta.glob<Page>('../features/*/page.ts', { eager: true, import: 'page' })).sort(
  (one, other) => one.order - other.order
)
