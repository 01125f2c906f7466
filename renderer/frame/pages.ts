import type { Page } from './page.ts'

/** Every page of this build, in the order of the rail. */
export const pages: readonly Page[] = Object.values(import.meta.glob<Page>('../features/*/page.ts', { eager: true, import: 'page' })).sort(
  (one, other) => one.order - other.order
)

/** The page of an address; for `/` the first. It may turn out not to be for who asks. */
export function pageAt(path: string): Page | undefined {
  const [, first = ''] = path.split('/')
  return first === '' ? pages[0] : pages.find(({ name }) => name === first)
}
