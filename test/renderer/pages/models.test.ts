import assert from 'node:assert/strict'
import test, { after, before, describe } from 'node:test'
import type { Browser } from 'playwright-core'
import { outpost } from '../../cli/outpost.ts'
import { startBrowser, visitConsole } from '../../helpers/browser.ts'
import { fakeCatalogue, startTestServer, type TestServer } from '../../helpers/server.ts'
import { type Answer, startFileServer } from '../../models/file-server.ts'
import { entryOf, fileOf } from '../../models/fixtures.ts'

/** The fake engine's settings, padded so that half of them is worth a look. */
const bytes = Buffer.from(JSON.stringify({ slots: 2 }).padEnd(400_000))
const entry = { ...entryOf([fileOf(bytes)], 'small'), name: 'Small one', engine: 'fake' }

describe('the page of models', () => {
  const endings: (() => unknown)[] = []
  const whole = { after: (end: () => unknown) => void endings.push(end) }
  let answer: Answer = { bytes }
  let server: TestServer
  let browser: Browser
  before(async () => {
    const files = await startFileServer(() => answer)
    endings.push(() => files[Symbol.asyncDispose]())
    server = await startTestServer(whole, {
      catalogue: { ...fakeCatalogue, models: [...fakeCatalogue.models, entry] },
      env: { OUTPOST_MIRRORS: files.url }
    })
    browser = await startBrowser(whole)
  })
  after(async () => {
    for (const end of endings.reverse()) await end()
  })
  const open = async (t: { after(end: () => Promise<void>): void }, options: { signedIn: boolean }) => {
    const visit = await visitConsole(t, browser, server.url)
    if (options.signedIn) await visit.page.goto((await outpost(whole, ['console'], { home: server.home })).stdout.trim())
    else await visit.open('/models')
    await visit.page.getByRole('row', { name: /^Details of Fake chat/ }).waitFor()
    return visit.page
  }

  test('who may only look sees every model and no button that does not work, and reads why', async (t) => {
    const page = await open(t, { signedIn: false })
    for (const name of ['Add model', /^Pull /, /^Load /, /^Unload /, /^More /])
      assert.equal(await page.getByRole('button', { name, exact: typeof name === 'string' }).count(), 0)
    await page.getByRole('button', { name: 'Details of Small one' }).click()
    await page.getByText('Pulling, loading and removing models is for administrators.').waitFor()
    assert.equal(page.url(), `${server.url}/models/small`)
  })

  test('search and filter narrow the list, and say when nothing is left', async (t) => {
    const page = await open(t, { signedIn: false })
    const rows = page.getByRole('table', { name: 'Models' }).getByRole('row')
    await page.getByRole('button', { name: /^Loaded/ }).click()
    await page.getByRole('row', { name: /^Details of Small one/ }).waitFor({ state: 'detached' })
    assert.ok((await rows.count()) <= 3)
    await page.getByLabel('Search models').fill('nothing of the kind')
    await page.getByRole('heading', { name: 'No model is like that' }).waitFor()
    await page.getByRole('button', { name: 'Show all models' }).click()
    await page.getByRole('row', { name: /^Details of Small one/ }).waitFor()
    const head = page.getByRole('columnheader', { name: 'Name' })
    await head.getByRole('button').click()
    assert.equal(await head.getAttribute('aria-sort'), 'ascending')
    await head.getByRole('button').click()
    assert.equal(await head.getAttribute('aria-sort'), 'descending')
  })

  test('a model is pulled with its progress, stopped, pulled on, loaded, pinned, unloaded and removed', async (t) => {
    const page = await open(t, { signedIn: true })
    const hold = Promise.withResolvers<void>()
    t.after(() => hold.resolve())
    answer = { bytes, etag: '"1"', holdAfter: { bytes: 200_000, until: hold.promise } }
    const row = page.getByRole('row', { name: /^Details of Small one/ })
    await row.getByRole('button', { name: 'Pull Small one' }).click()
    await row.getByText('Pulling 50%').waitFor()
    await page.getByRole('button', { name: 'Details of Small one' }).click()
    const panel = page.getByRole('complementary', { name: 'Small one' })
    await panel.getByRole('progressbar', { name: 'Download of Small one' }).waitFor()
    await panel.getByText('200 kB of 400 kB').waitFor()
    await panel.getByText('weights.bin', { exact: true }).waitFor()
    await panel.getByRole('button', { name: 'Stop Small one' }).click()
    await row.getByText('Not here').waitFor()

    answer = { bytes, etag: '"1"' }
    await panel.getByRole('button', { name: 'Pull Small one' }).click()
    await row.getByText('Here', { exact: true }).waitFor()
    await panel.getByRole('button', { name: 'Load Small one' }).click()
    await row.getByText('Loaded').waitFor()
    await panel.getByRole('button', { name: 'More for Small one' }).click()
    await page.getByRole('menuitem', { name: 'Pin' }).click()
    await row.getByRole('img', { name: /^Pinned/ }).waitFor()
    await panel.getByRole('button', { name: 'Unload Small one' }).click()
    await row.getByText('Here', { exact: true }).waitFor()

    await panel.getByRole('button', { name: 'More for Small one' }).click()
    await page.getByRole('menuitem', { name: 'Remove' }).click()
    const question = page.getByRole('dialog', { name: 'Remove Small one?' })
    await question.getByText(/400 kB of weights are deleted/).waitFor()
    await question.getByRole('button', { name: 'Cancel' }).click()
    await question.waitFor({ state: 'detached' })
    await panel.getByRole('button', { name: 'More for Small one' }).click()
    await page.getByRole('menuitem', { name: 'Remove' }).click()
    await question.getByRole('button', { name: 'Remove' }).click()
    await row.getByText('Not here').waitFor()
    await page.getByRole('status').getByText('Small one is removed, 400 kB are free again').waitFor()
  })

  test('a name that is none is refused with near ones, next to where it was typed', async (t) => {
    const page = await open(t, { signedIn: true })
    await page.getByRole('button', { name: 'Add model' }).click()
    const dialog = page.getByRole('dialog', { name: 'Add a model' })
    await dialog.getByRole('textbox', { name: 'Name or link' }).fill('smal')
    await dialog.getByText('npx outpost pull smal', { exact: true }).waitFor()
    await page.keyboard.press('Enter')
    const alert = dialog.getByRole('alert')
    await alert.getByText(/did you mean small/).waitFor()
    await alert.getByText(/^model_not_found · /).waitFor()
    await dialog.getByRole('tab', { name: 'File on the server' }).click()
    await dialog.getByRole('textbox', { name: 'Path of a .gguf file' }).fill('/nowhere/none.gguf')
    await page.keyboard.press('Enter')
    await dialog.getByRole('alert').waitFor()
  })

  test('what another one does is seen at once', async (t) => {
    const page = await open(t, { signedIn: false })
    const row = page.getByRole('row', { name: /^Details of Fake embeddings/ })
    await row.getByText('Loaded').waitFor()
    await outpost(whole, ['unload', 'fake-embed'], { home: server.home })
    await row.getByText('Here', { exact: true }).waitFor()
    await outpost(whole, ['load', 'fake-embed'], { home: server.home })
    await row.getByText('Loaded').waitFor()
  })
})
