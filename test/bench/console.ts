import type { Browser } from 'playwright-core'
import { startBrowser } from '../helpers/browser.ts'
import { startTestServer } from '../helpers/server.ts'
import { table } from './overhead.ts'
import { median } from './processes.ts'
import type { Section } from './report.ts'

const repetitions = 9
/** Notes when the first row of the first page is there: from then on it is drawn whole and takes keys and clicks. */
const watchFirstRow = `
  new MutationObserver((_, observer) => {
    if (document.querySelector('main tbody tr') === null) return
    observer.disconnect()
    window.interactiveAt = performance.now()
  }).observe(document, { childList: true, subtree: true })
`
const figures = `({
  interactive: window.interactiveAt,
  script: performance.getEntriesByType('resource').filter(({ initiatorType, name }) => name.endsWith('.js')).reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
  requests: performance.getEntriesByType('resource').length
})`

type Load = { interactive: number; script: number; requests: number }

/** First load of the console on loopback, in a browser that never saw it, and once more in one that did. */
export async function measureConsole(): Promise<Section> {
  const endings: (() => unknown)[] = []
  const t = { after: (end: () => unknown) => void endings.push(end) }
  const loads: Record<'cold' | 'warm', Load[]> = { cold: [], warm: [] }
  try {
    const server = await startTestServer(t)
    const browser = await startBrowser(t)
    // The first of all starts the browser's own processes.
    await loadTwice(browser, server.url)
    for (let i = 0; i < repetitions; i++) {
      const [cold, warm] = await loadTwice(browser, server.url)
      loads.cold.push(cold)
      loads.warm.push(warm)
    }
  } finally {
    for (const end of endings.reverse()) await end()
  }
  const row = (name: string, of: Load[]) => [
    name,
    `${median(of.map(({ interactive }) => interactive)).toFixed(0)} ms`,
    `${Math.min(...of.map(({ interactive }) => interactive)).toFixed(0)} ms`,
    `${(median(of.map(({ script }) => script)) / 1000).toFixed(0)} kB`,
    median(of.map(({ requests }) => requests)).toFixed(0)
  ]
  return {
    title: 'Console',
    text: [
      `From the navigation to the first row of the first page, in Chromium on the server’s machine (${repetitions} loads each; at most 500 ms and 250 kB of script are wanted).`,
      table(['load', 'median', 'best', 'script, compressed', 'requests'], [row('first', loads.cold), row('again', loads.warm)])
    ]
  }
}

async function loadTwice(browser: Browser, url: string): Promise<[Load, Load]> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  try {
    const page = await context.newPage()
    await page.addInitScript(watchFirstRow)
    const load = async () => {
      await page.goto(url)
      await page.locator('main tbody tr').first().waitFor()
      return (await page.evaluate(figures)) as Load
    }
    const cold = await load()
    await page.goto('about:blank')
    return [cold, await load()]
  } finally {
    await context.close()
  }
}
