import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startBrowser, visitConsole } from '../helpers/browser.ts'
import { startShowcase } from './showcase.ts'

/** Writes `docs/screenshots/NAME-WIDTH-THEME.png`: every page, light and dark, at three widths. Arguments: names of shots, else all. */
const folder = fileURLToPath(new URL('../../docs/screenshots/', import.meta.url))
const wanted = process.argv.slice(2)
const sizes = [
  { width: 1280, height: 800 },
  { width: 360, height: 740 },
  { width: 2560, height: 1440 }
]

const endings: (() => unknown)[] = []
const t = { after: (end: () => unknown) => void endings.push(end) }
try {
  mkdirSync(folder, { recursive: true })
  const { shots, url, signInLink } = await startShowcase(t)
  const browser = await startBrowser(t)
  for (const size of sizes) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await visitConsole(t, browser, url, { viewport: size, colorScheme })
      await page.goto(await signInLink())
      for (const [name, shot] of Object.entries(shots)) {
        if (wanted.length > 0 && !wanted.includes(name)) continue
        await shot(page)
        await page.evaluate('document.fonts.ready.then(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))))')
        await page.screenshot({ path: join(folder, `${name}-${size.width}-${colorScheme}.png`) })
      }
      await page.context().close()
    }
  }
} finally {
  for (const end of endings.reverse()) await end()
}
