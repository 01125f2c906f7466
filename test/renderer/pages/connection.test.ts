import assert from 'node:assert/strict'
import test from 'node:test'
import { outpost } from '../../cli/outpost.ts'
import { startBrowser, visitConsole } from '../../helpers/browser.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { startTestServer } from '../../helpers/server.ts'

test('a page whose server restarts says so, keeps what it shows, stays signed in and goes on by itself', async (t) => {
  const home = temporaryFolder(t)
  const first = await startTestServer(t, { home })
  const browser = await startBrowser(t)
  const { page } = await visitConsole(t, browser, first.url)
  await page.goto((await outpost(t, ['console'], { home })).stdout.trim())
  const row = page.getByRole('row', { name: /^Details of Fake embeddings/ })
  await row.getByText('Loaded').waitFor()
  await page.getByLabel('Search models').fill('fake')
  await first.stop()
  await page.getByText('Offline', { exact: true }).first().waitFor()
  assert.equal(await row.isVisible(), true)

  const second = await startTestServer(t, { home, args: ['--port', new URL(first.url).port] })
  assert.equal(second.url, first.url)
  await page.getByText('Offline', { exact: true }).first().waitFor({ state: 'detached' })
  await page.getByRole('status').getByText('Connected again').waitFor({ state: 'attached' })
  assert.equal(await page.getByLabel('Search models').inputValue(), 'fake')
  await outpost(t, ['unload', 'fake-embed'], { home })
  await row.getByText('Here').waitFor()
  await row.getByRole('button', { name: 'Load Fake embeddings' }).click()
  await row.getByText('Loaded').waitFor()
})

test('an order that does not reach the server says so and stays to be read', async (t) => {
  const home = temporaryFolder(t)
  const server = await startTestServer(t, { home })
  const browser = await startBrowser(t)
  const { page, context } = await visitConsole(t, browser, server.url)
  await page.goto((await outpost(t, ['console'], { home })).stdout.trim())
  const row = page.getByRole('row', { name: /^Details of Fake chat/ })
  await row.getByText('Loaded').waitFor()
  await context.setOffline(true)
  await row.getByRole('button', { name: 'Unload Fake' }).click()
  const alert = page.getByRole('alert')
  await alert.getByText('That did not work for Fake').waitFor()
  await alert.getByText(/The server does not answer/).waitFor()
  await context.setOffline(false)
  await alert.getByRole('button', { name: 'Close' }).click()
  await page.getByText('Offline', { exact: true }).first().waitFor({ state: 'detached' })
})
