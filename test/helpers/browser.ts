import assert from 'node:assert/strict'
import { accessSync, constants } from 'node:fs'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { builtConsole } from './built-console.ts'
import { type Ending, onEnd } from './on-end.ts'

const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'
]

/** The browser of this machine, or why there is none to be had. */
export function findChromium(): { path: string } | { reason: string } {
  const path = places.find((place) => {
    try {
      accessSync(place, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
  return path === undefined ? { reason: 'no Chromium on this machine: apt-get install chromium' } : { path }
}

/** One browser for a file of tests, on a console that is built. */
export async function startBrowser(t: Ending): Promise<Browser> {
  const found = findChromium()
  if ('reason' in found) throw new Error(found.reason)
  builtConsole()
  // Root, as in CI, may not use the browser's own sandbox.
  const browser = await chromium.launch({ executablePath: found.path, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
  onEnd(t, () => browser.close())
  return browser
}

export type ConsoleVisit = {
  readonly page: Page
  readonly context: BrowserContext
  /** Everything that should not have been: requests to other hosts, what the policy blocked, errors of scripts. Empty when all is well. */
  readonly faults: string[]
  /** Goes to an address of the console. */
  open(path: string): Promise<void>
}

/** A browser of its own (cookies, storage) on a server's console. When the test ends nothing may have gone wrong in it. */
export async function visitConsole(
  t: Ending,
  browser: Browser,
  url: string,
  options: BrowserContextOptions & { faultsExpected?: boolean } = {}
): Promise<ConsoleVisit> {
  const { faultsExpected = false, ...contextOptions } = options
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', reducedMotion: 'reduce', ...contextOptions })
  context.setDefaultTimeout(15_000)
  const page = await context.newPage()
  const faults = watchFaults(page, url)
  onEnd(t, async () => {
    await context.close()
    if (!faultsExpected) assert.deepEqual(faults, [])
  })
  return { page, context, faults, open: async (path) => void (await page.goto(`${url}${path}`)) }
}

function watchFaults(page: Page, url: string): string[] {
  const faults: string[] = []
  page.on('request', (request) => {
    if (!request.url().startsWith(`${url}/`) && !/^(data|blob):/.test(request.url())) faults.push(`asked ${request.url()}`)
  })
  page.on('pageerror', (error) => faults.push(`broke: ${error.message}`))
  page.on('console', (message) => {
    // The browser itself notes answers such as 401 and lost connections, which are the tests' own doing.
    if (message.type() === 'error' && !/^Failed to load resource/.test(message.text())) faults.push(`said: ${message.text()}`)
  })
  return faults
}
