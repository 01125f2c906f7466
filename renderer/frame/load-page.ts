import type { ComponentType } from 'react'
import type { Page, PageProps } from './page.ts'

const loaded = new Map<string, ComponentType<PageProps>>()

/** What draws the page, if it has been fetched. */
export const loadedPage = (page: Page): ComponentType<PageProps> | undefined => loaded.get(page.name)

/** Fetches a page that was not fetched before. */
export async function loadPage(page: Page): Promise<void> {
  if (loaded.has(page.name)) return
  const { Component } = await page.load()
  loaded.set(page.name, Component)
}
