import assert from 'node:assert/strict'
import test, { after, before, describe } from 'node:test'
import type { Browser } from 'playwright-core'
import { outpost } from '../../cli/outpost.ts'
import { startBrowser, visitConsole } from '../../helpers/browser.ts'
import { startTestServer, type TestServer } from '../../helpers/server.ts'

describe('signing in', () => {
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
  const command = async (...args: string[]) => (await outpost(whole, args, { home: server.home })).stdout.trim()

  test('the link that is printed at the start signs the owner in, once, and stays in no address', async (t) => {
    const [, link = ''] = await server.said(/^Console: (\S+)$/m)
    assert.ok(link.startsWith(`${server.url}/#sign-in=`))
    const { page } = await visitConsole(t, browser, server.url)
    await page.goto(link)
    await page.getByRole('button', { name: 'Add model' }).waitFor()
    assert.equal(page.url(), `${server.url}/models`)
    await page.getByRole('button', { name: 'Account and view' }).click()
    await page.getByText('Signed in as owner · owner').waitFor()
    const cookies = await page.context().cookies()
    assert.deepEqual(
      cookies.map(({ httpOnly, sameSite }) => [httpOnly, sameSite]),
      [[true, 'Strict']]
    )
    assert.equal(await page.evaluate('document.cookie'), '')

    const { page: other } = await visitConsole(t, browser, server.url)
    await other.goto(link)
    await other.getByRole('alert').getByText('Not signed in').waitFor()
    await other
      .getByRole('alert')
      .getByText(/was used before.*outpost console/)
      .waitFor()
    assert.equal(await other.getByRole('button', { name: 'Add model' }).count(), 0)
  })

  test('a pasted key signs in as itself; when it is revoked the page knows at once', async (t) => {
    const secret = await command('keys', 'create', 'console-test', '--role', 'administrator')
    const { page, open } = await visitConsole(t, browser, server.url)
    await open('/models')
    await page.getByRole('button', { name: 'Account and view' }).click()
    await page.getByRole('menuitem', { name: 'Sign in' }).click()
    const dialog = page.getByRole('dialog', { name: 'Sign in to Outpost' })
    await dialog.getByRole('button', { name: 'Sign in' }).click()
    await dialog.getByText('Paste a key first').waitFor()
    await dialog.getByLabel('Key').fill('op-wrong')
    await page.keyboard.press('Enter')
    await dialog
      .getByRole('alert')
      .getByText(/this key is unknown here/)
      .waitFor()
    await dialog.getByLabel('Key').fill(secret)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Add model' }).waitFor()
    const { keys } = JSON.parse(await command('keys', 'list', '--json')) as { keys: { id: string; name: string }[] }
    await command('keys', 'revoke', keys.find(({ name }) => name === 'console-test')?.id ?? '')
    await page.getByRole('button', { name: 'Add model' }).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Account and view' }).click()
    await page.getByText('This machine, without a key').waitFor()
  })

  test('who signs out, or is signed out, is nobody in particular again', async (t) => {
    const { page } = await visitConsole(t, browser, server.url)
    for (const leave of [
      async () => {
        await page.getByRole('button', { name: 'Account and view' }).click()
        await page.getByRole('menuitem', { name: 'Sign out' }).click()
      },
      async () => void (await command('console', 'sign-out'))
    ]) {
      await page.goto(await command('console'))
      await page.getByRole('button', { name: 'Add model' }).waitFor()
      await leave()
      await page.getByRole('button', { name: 'Add model' }).waitFor({ state: 'detached' })
      await page
        .getByRole('row', { name: /^Details of Fake/ })
        .first()
        .waitFor()
    }
  })

  test('a server that speaks only to those it knows asks first, and shows the page that was asked for then', async (t) => {
    const home = server.home
    const secret = await command('keys', 'create', 'lan', '--role', 'user')
    await server.stop()
    const lan = await startTestServer(t, { home, args: ['--host', '0.0.0.0', '--insecure-http'] })
    const url = lan.url.replace('0.0.0.0', '127.0.0.1')
    const { page, open } = await visitConsole(t, browser, url)
    await open('/models/fake')
    await page.getByRole('heading', { name: 'Sign in to Outpost' }).waitFor()
    await page.getByLabel('Key').fill(secret)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('complementary', { name: 'Fake', exact: true }).waitFor()
    assert.equal(await page.getByRole('button', { name: 'Add model' }).count(), 0)
    await page.getByText('Pulling, loading and removing models is for administrators.').waitFor()
  })
})
