import assert from 'node:assert/strict'
import test, { after, before, describe } from 'node:test'
import type { Browser } from 'playwright-core'
import { outpost } from '../../cli/outpost.ts'
import { startBrowser, visitConsole } from '../../helpers/browser.ts'
import { startTestServer, type TestServer } from '../../helpers/server.ts'

const long = 'fake: tokens=4000 stepMs=100'

describe('the page of activity', () => {
  const endings: (() => unknown)[] = []
  const whole = { after: (end: () => unknown) => void endings.push(end) }
  let server: TestServer
  let browser: Browser
  before(async () => {
    browser = await startBrowser(whole)
    server = await startTestServer(whole)
  })
  after(async () => {
    for (const end of endings.reverse()) await end()
  })
  type Context = { after(end: () => unknown): void }
  const open = async (t: Context, options: { signedIn: boolean }) => {
    const visit = await visitConsole(t, browser, server.url)
    if (options.signedIn) {
      await visit.page.goto((await outpost(whole, ['console'], { home: server.home })).stdout.trim())
      await visit.page.getByRole('navigation').waitFor()
    }
    await visit.open('/activity')
    await visit.page.getByRole('region', { name: 'Fake', exact: true }).getByText('0 running, 0 waiting').waitFor()
    return visit.page
  }
  /** Asks as this machine without a key, until the test ends. Resolves once the server has taken it. */
  const ask = async (t: Context, content = long, lane = 'interactive') => {
    const leave = new AbortController()
    t.after(() => leave.abort())
    const response = await fetch(`${server.url}/outpost/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'fake', messages: [{ role: 'user', content }], generation: { maxTokens: 4000 }, lane }),
      signal: leave.signal
    })
    assert.equal(response.status, 200, response.ok ? '' : await response.text())
    const read = response.text().catch(() => '')
    return { leave: () => leave.abort(), read }
  }

  test('slots fill, who comes later waits in its lane with its place, and one’s own is cancelled at once', async (t) => {
    const page = await open(t, { signedIn: false })
    const card = page.getByRole('region', { name: 'Fake', exact: true })
    await card.getByText('Free').first().waitFor()
    const slots = await card.getByText('Free').count()
    for (let i = 0; i < slots; i++) await ask(t)
    await card
      .getByRole('button', { name: /^You .*chat, running$/ })
      .nth(slots - 1)
      .waitFor()
    await ask(t, long, 'batch')
    const waiting = card.getByRole('button', { name: /^You, chat, number 1 in line/ })
    await waiting.click()
    const panel = page.getByRole('complementary', { name: 'Request of You' })
    await panel.getByText('Batch').waitFor()
    await panel.getByText('Waits').waitFor()
    await panel.getByRole('button', { name: 'Cancel request' }).click()
    await panel.getByText('Has ended').waitFor()
    await page.getByRole('status').getByText('Cancelled the request of You').waitFor()
    await waiting.waitFor({ state: 'detached' })
    await page.keyboard.press('Escape')
    await panel.waitFor({ state: 'detached' })
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Now')
    await page.getByText('The history of requests is for administrators.').waitFor()
    assert.equal(await page.getByRole('table').count(), 0)

    await page.keyboard.press('Control+k')
    await page.keyboard.type('cancel my')
    await page.keyboard.press('Enter')
    await card
      .getByText('Free')
      .nth(slots - 1)
      .waitFor()
  })

  test('by keyboard: arrows go from request to request, and the focus stays with one that gets its slot', async (t) => {
    const page = await open(t, { signedIn: false })
    const card = page.getByRole('region', { name: 'Fake', exact: true })
    await card.getByText('Free').first().waitFor()
    const slots = await card.getByText('Free').count()
    const running = await Promise.all(Array.from({ length: slots }, () => ask(t)))
    await card
      .getByRole('button', { name: /, running/ })
      .nth(slots - 1)
      .waitFor()
    await ask(t)
    await card.getByRole('button', { name: /number 1 in line/ }).waitFor()
    await card
      .getByRole('button', { name: /, running/ })
      .first()
      .focus()
    for (let i = 0; i < slots; i++) await page.keyboard.press('ArrowRight')
    const focused = () => page.evaluate("document.activeElement.getAttribute('aria-label')") as Promise<string>
    assert.match(await focused(), /number 1 in line/)
    const id = await page.evaluate('document.activeElement.id')
    running[0]?.leave()
    await page.locator(`[id="${id}"]`).getByText('chat, running').waitFor({ state: 'attached' })
    assert.equal(await page.evaluate('document.activeElement.id'), id)
  })

  test('an administrator sees whose every request is, and is asked before ending another one’s', async (t) => {
    const page = await open(t, { signedIn: true })
    const card = page.getByRole('region', { name: 'Fake', exact: true })
    await ask(t)
    const block = card.getByRole('button', { name: /^This machine .*chat, running$/ })
    await block.click()
    const panel = page.getByRole('complementary', { name: 'Request of This machine' })
    await panel.getByRole('button', { name: 'Cancel request' }).click()
    const question = page.getByRole('dialog', { name: 'Cancel the request of This machine?' })
    await question.getByRole('button', { name: 'Let it go on' }).click()
    await question.waitFor({ state: 'detached' })
    await panel.getByRole('button', { name: 'Cancel request' }).click()
    await question.getByRole('button', { name: 'Cancel request' }).click()
    await block.waitFor({ state: 'detached' })
    await panel.getByText('Cancelled').waitFor()
    await panel.getByRole('img', { name: /^(In line|Before the first token|Writing|At work)/ }).waitFor()
  })

  test('what ended stands in the list by itself, is narrowed by how it ended, and opens with its course', async (t) => {
    const page = await open(t, { signedIn: true })
    await (await ask(t, 'fake: tokens=5 stepMs=20')).read
    await (await ask(t, 'fake: tokens=5 fail=internal_error failAfter=2')).read
    const table = page.getByRole('table', { name: 'Requests that ended' })
    await table.getByText('Failed: internal_error').waitFor()
    await page.getByRole('button', { name: /^Failed/ }).click()
    await table.getByText('Done').first().waitFor({ state: 'detached' })
    await page.getByRole('button', { name: /^Done/ }).click()
    await table
      .getByRole('button', { name: /^Request of This machine/ })
      .first()
      .click()
    const panel = page.getByRole('complementary')
    await panel.getByText('Writing').waitFor()
    await panel.getByText(/^5 tokens/).waitFor()
    await page.keyboard.press('Escape')
    await panel.waitFor({ state: 'detached' })
    assert.match((await page.evaluate("document.activeElement.getAttribute('aria-label')")) as string, /^Request of This machine/)
    await page.getByText('There are no older ones').waitFor()
  })

  test('the status of the server, on every page, leads here', async (t) => {
    const page = await open(t, { signedIn: false })
    await page.goto(`${server.url}/models`)
    await page.getByRole('link', { name: /^Server status .*slots$/ }).click()
    await page.waitForURL('**/activity')
  })
})
