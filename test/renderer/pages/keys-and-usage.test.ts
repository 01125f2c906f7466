import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test, { after, before, describe } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { outpost } from '../../cli/outpost.ts'
import { startBrowser, visitConsole } from '../../helpers/browser.ts'
import { startTestServer, type TestServer } from '../../helpers/server.ts'

describe('the pages of keys and usage', () => {
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
  type Ending = { after(end: () => Promise<void>): void }
  const command = async (...args: string[]) => (await outpost(whole, args, { home: server.home })).stdout.trim()
  const open = async (t: Ending, path: string) => {
    const { page } = await visitConsole(t, browser, server.url)
    await page.goto(await command('console'))
    await page.getByRole('link', { name: 'Usage' }).waitFor()
    await page.goto(`${server.url}${path}`)
    return page
  }
  const ask = (secret: string) => fetch(`${server.url}/v1/models`, { headers: { authorization: `Bearer ${secret}` } }).then(({ status }) => status)
  const focused = (page: Page) => page.evaluate('document.activeElement.textContent')

  test('who is no administrator reads why there are no keys to see, and has no page of usage', async (t) => {
    const { page } = await visitConsole(t, browser, server.url)
    await page.goto(`${server.url}/keys`)
    await page.getByRole('heading', { name: 'Keys are for administrators' }).waitFor()
    assert.equal(await page.getByRole('button', { name: 'Make key' }).count(), 0)
    assert.equal(await page.getByRole('link', { name: 'Usage' }).count(), 0)
  })

  test('a key is made by keyboard alone and shown once, then given a new secret and revoked', async (t) => {
    const page = await open(t, '/keys')
    await page.getByRole('main').getByRole('button', { name: 'Make key' }).first().focus()
    await page.keyboard.press('Enter')
    const form = page.getByRole('form', { name: 'Make a key' })
    await form.waitFor()
    await page.keyboard.press('Enter')
    await form.getByText('Give it a name first').waitFor()
    await page.keyboard.type('Help desk')
    await page.keyboard.press('Enter')
    const fresh = page.getByRole('region', { name: 'Secret of Help desk' })
    await fresh.waitFor()
    assert.equal(await focused(page), 'Secret of Help desk')
    const secret = (await fresh.getByText(/^op-/).textContent()) ?? ''
    assert.equal(await ask(secret), 200)
    await fresh.getByText(new RegExp(`^curl ${server.url}/v1/chat/completions .*${secret}`)).waitFor()
    await fresh.getByRole('button', { name: 'Done' }).click()
    await fresh.waitFor({ state: 'detached' })
    assert.ok(!(await page.content()).includes(secret))
    const row = page.getByRole('row', { name: /^Help desk/ })

    await row.getByRole('button', { name: 'More for Help desk' }).click()
    await page.getByRole('menuitem', { name: 'New secret' }).click()
    await page.getByRole('dialog', { name: 'Give Help desk a new secret?' }).getByRole('button', { name: 'New secret' }).click()
    await fresh.waitFor()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    const next = (await fresh.getByText(/^op-/).textContent()) ?? ''
    assert.notEqual(next, secret)
    assert.deepEqual([await ask(secret), await ask(next)], [401, 200])
    await page.waitForFunction('document.activeElement.textContent === "Secret of Help desk"')

    await row.getByRole('button', { name: 'More for Help desk' }).click()
    await page.getByRole('menuitem', { name: 'Revoke' }).click()
    const question = page.getByRole('dialog', { name: 'Revoke Help desk?' })
    await question.getByText(/A revoked key cannot be brought back/).waitFor()
    await question.getByRole('button', { name: 'Revoke' }).click()
    await row.waitFor({ state: 'detached' })
    assert.equal(await ask(next), 401)
    await page.getByRole('button', { name: /^Revoked/ }).click()
    await row.getByText('Revoked', { exact: true }).waitFor()
    assert.equal(await row.getByRole('button').count(), 0)
  })

  test('a key of a project is made for one that there is', async (t) => {
    await command('project', 'create', 'Order desk')
    const page = await open(t, '/keys')
    await page.getByRole('button', { name: 'Make key' }).first().click()
    const form = page.getByRole('form', { name: 'Make a key' })
    await form.getByRole('textbox', { name: 'Name' }).fill('Service of orders')
    await form.getByRole('combobox', { name: 'Role' }).click()
    await page.getByRole('option', { name: 'Project' }).click()
    await form.getByRole('combobox', { name: 'Project' }).click()
    await page.getByRole('option', { name: 'Order desk' }).click()
    await form.getByRole('button', { name: 'Make key' }).click()
    await page.getByRole('region', { name: 'Secret of Service of orders' }).waitFor()
    await page.getByRole('row', { name: /^Service of orders Project Order desk/ }).waitFor()
  })

  test('usage names keys, follows the period, and is kept as a file in which nothing is a formula', async (t) => {
    const secret = await command('keys', 'create', '=cmd, "one"')
    const body = JSON.stringify({ model: 'fake', messages: [{ role: 'user', content: 'Hello' }] })
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
    await (await fetch(`${server.url}/v1/chat/completions`, { method: 'POST', headers, body })).arrayBuffer()
    const page = await open(t, '/usage')
    await page.getByRole('row', { name: /^=cmd, "one"/ }).waitFor()
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download CSV' }).click()])
    assert.equal(download.suggestedFilename(), 'outpost-usage-by-key-month.csv')
    const text = readFileSync(await download.path(), 'utf8')
    assert.match(text, /^\uFEFFkey,name,requests,/)
    assert.match(text, /,"'=cmd, ""one""",1,0,/)

    await page.getByRole('tab', { name: 'Requests' }).click()
    await page
      .getByRole('row', { name: /=cmd, "one" fake/ })
      .getByText('Finished')
      .waitFor()
    await page.getByRole('combobox', { name: 'Period' }).click()
    await page.getByRole('option', { name: 'Today' }).click()
    await page.getByRole('row', { name: /=cmd, "one" fake/ }).waitFor()
    await page.getByRole('tab', { name: 'By model' }).click()
    await page.getByRole('row', { name: /^fake/ }).waitFor()
  })
})
