import type { ComponentType } from 'react'
import type { EndpointName } from '#contracts/api.ts'
import type { Language } from '../text/languages.ts'

/** One page of the console. A folder `features/<name>` with a `page.ts` that exports one is all it takes. */
export type Page = {
  /** First part of its address, and the folder's name. */
  name: string
  /** Its place in the rail: chat 10, models 20, activity 30, plans 40, keys 50, usage 60, nodes 70, settings 100 (from 100 on at the foot). */
  order: number
  title: Readonly<Record<Language, string>>
  icon: ComponentType<{ 'aria-hidden'?: boolean }>
  /** Whether it is there for somebody who may call these endpoints. */
  isFor: (may: (name: EndpointName) => boolean) => boolean
  /** Leads there from everywhere: `mod+,`. */
  shortcut?: string
  /** Fetches its chunk and its words. `Component` draws it for `/name` and every address below. */
  load: () => Promise<{ Component: ComponentType<PageProps> }>
}

/** `title`: of the page, in the current language. */
export type PageProps = { title: string }

export const definePage = (page: Page): Page => page
