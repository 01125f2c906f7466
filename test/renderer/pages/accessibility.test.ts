import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import test, { after, before, describe } from 'node:test'
import type { Browser } from 'playwright-core'
import { startBrowser, visitConsole } from '../../helpers/browser.ts'
import { startShowcase } from '../../screenshots/showcase.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
type Finding = { id: string; nodes: { target: string[]; failureSummary: string }[] }

describe('every page and what opens on it has no fault that axe finds', () => {
  const endings: (() => unknown)[] = []
  const whole = { after: (end: () => unknown) => void endings.push(end) }
  let browser: Browser
  before(async () => {
    browser = await startBrowser(whole)
  })
  after(async () => {
    for (const end of endings.reverse()) await end()
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1280, 360]) {
      test(`${colorScheme}, ${width} pixels`, async (t) => {
        // A pull of its own that is held still: after a minute the server asks again.
        const showcase = await startShowcase(t)
        const { page } = await visitConsole(t, browser, showcase.url, { colorScheme, viewport: { width, height: 800 } })
        await page.goto(await showcase.signInLink())
        for (const [name, shot] of Object.entries(showcase.shots)) {
          await shot(page)
          await page.evaluate(axe)
          const options = { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }
          const { violations } = (await page.evaluate(`axe.run(document, ${JSON.stringify(options)})`)) as { violations: Finding[] }
          const found = violations.flatMap(({ id, nodes }) =>
            nodes.map(({ target, failureSummary }) => `${name}: ${id} ${target.join(' ')} ${failureSummary}`)
          )
          assert.deepEqual(found, [])
        }
      })
    }
  }
})
