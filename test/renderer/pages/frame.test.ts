import assert from 'node:assert/strict'
import test, { after, before, describe } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { startBrowser, visitConsole } from '../../helpers/browser.ts'
import { startTestServer, type TestServer } from '../../helpers/server.ts'

describe('the frame', () => {
  const endings: (() => unknown)[] = []
  const whole = { after: (end: () => unknown) => void endings.push(end) }
  let server: TestServer
  let browser: Browser
  before(async () => {
    server = await startTestServer(whole)
    browser = await startBrowser(whole)
  })
  after(async () => {
    for (const end of endings.reverse()) await end()
  })
  const visit = async (t: { after(end: () => Promise<void>): void }, path = '/', options: Parameters<typeof visitConsole>[3] = {}) => {
    const { page, open } = await visitConsole(t, browser, server.url, options)
    await open(path)
    await page.getByRole('navigation').waitFor()
    return page
  }
  const focused = (page: Page) =>
    page.evaluate("document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent") as Promise<string>

  test('the first address leads to the first page, and an address of one model to its details', async (t) => {
    const page = await visit(t)
    await page.waitForURL('**/models')
    assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), 'Models')
    assert.equal(await page.title(), 'Models · Outpost')
    await page.goto(`${server.url}/models/fake`)
    await page.getByRole('complementary', { name: 'Fake', exact: true }).waitFor()
    assert.equal(await page.getByRole('link', { name: 'Models' }).getAttribute('aria-current'), 'page')
  })

  test('by keyboard alone: skip to the content, into a model and back to where one was', async (t) => {
    const page = await visit(t, '/models')
    await page.getByRole('row', { name: /^Details of Fake chat/ }).waitFor()
    await page.keyboard.press('Tab')
    assert.equal(await focused(page), 'Skip to content')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    assert.match(await focused(page), /^Server status/)
    await page.keyboard.press('Tab')
    assert.equal(await focused(page), 'Search models')
    await page.keyboard.type('fake emb')
    await page.getByRole('row', { name: /Smol/ }).first().waitFor({ state: 'detached' })
    for (let i = 0; i < 30 && (await focused(page)) !== 'Details of Fake embeddings'; i++) await page.keyboard.press('Tab')
    const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')
    assert.equal(outline, 'solid', 'the focus is seen')
    await page.keyboard.press('Enter')
    await page.getByRole('complementary', { name: 'Fake embeddings' }).waitFor()
    assert.equal(await focused(page), 'Fake embeddings')
    await page.keyboard.press('Escape')
    await page.getByRole('complementary').waitFor({ state: 'detached' })
    assert.equal(await focused(page), 'Details of Fake embeddings')
  })

  test('the palette finds every action, runs it, and gives the focus back', async (t) => {
    const page = await visit(t, '/models')
    await page.getByLabel('Search models').focus()
    await page.keyboard.press('Control+k')
    const box = page.getByRole('combobox', { name: 'Search actions' })
    await box.waitFor()
    await page.keyboard.type('no such thing')
    await page.getByText('No action is called like that').waitFor()
    await page.keyboard.press('Escape')
    await box.waitFor({ state: 'detached' })
    assert.equal(await focused(page), 'Search models')
    await page.keyboard.press('Control+k')
    await page.keyboard.type('dark')
    const option = page.getByRole('option', { name: 'Theme: Dark' })
    await option.waitFor()
    assert.equal(await box.getAttribute('aria-activedescendant'), await option.getAttribute('id'))
    await page.keyboard.press('Enter')
    await page.locator('html[data-theme=dark]').waitFor()
    await page.reload()
    await page.locator('html[data-theme=dark]').waitFor()
  })

  test('the list of shortcuts names those that work here', async (t) => {
    const page = await visit(t, '/models')
    await page.keyboard.press('Control+/')
    const list = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
    await list.getByText('Search models').waitFor()
    await list.getByText('Search actions').waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+f')
    assert.equal(await focused(page), 'Search models')
  })

  test('it speaks the browser’s language, and another when told to, Arabic from right to left', async (t) => {
    const page = await visit(t, '/models', { locale: 'de-DE' })
    assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), 'Modelle')
    await page.getByRole('button', { name: 'Konto und Ansicht' }).click()
    await page.getByRole('menuitemradio', { name: 'العربية' }).click()
    await page.getByRole('heading', { level: 1, name: 'النماذج' }).waitFor()
    assert.deepEqual(await page.evaluate('[document.documentElement.lang, document.documentElement.dir]'), ['ar', 'rtl'])
    const rail = await page.getByRole('navigation').boundingBox()
    assert.ok((rail?.x ?? 0) > 600, 'the rail is at the right')
    await page.reload()
    await page.getByRole('heading', { level: 1, name: 'النماذج' }).waitFor()
  })

  test('the rail shrinks to icons that keep their names', async (t) => {
    const page = await visit(t, '/models')
    const rail = page.getByRole('navigation')
    await page.getByRole('button', { name: 'Show icons only' }).click()
    assert.ok(((await rail.boundingBox())?.width ?? 999) < 80)
    await page.getByRole('link', { name: 'Models' }).waitFor()
    await page.getByRole('button', { name: 'Show names' }).click()
    assert.ok(((await rail.boundingBox())?.width ?? 0) > 120)
  })

  test('at 360 pixels, and at twice the size of everything, nothing has to be scrolled sideways', async (t) => {
    for (const viewport of [
      { width: 360, height: 740 },
      { width: 640, height: 400 }
    ]) {
      const page = await visit(t, '/models', { viewport })
      await page
        .getByRole('row', { name: /^Details of Fake chat|^Details of Fake/ })
        .first()
        .waitFor()
      assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true)
    }
  })
})
