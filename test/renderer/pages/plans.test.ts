import assert from 'node:assert/strict'
import test, { after, before, describe } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { outpost } from '../../cli/outpost.ts'
import { startBrowser, visitConsole } from '../../helpers/browser.ts'
import { connectShop, type ShopScript, shopAction } from '../../helpers/plan-shop.ts'
import { startTestServer, type TestServer } from '../../helpers/server.ts'
import { startWebhookReceiver } from '../../helpers/webhook-receiver.ts'

describe('the page of plans', () => {
  const endings: (() => unknown)[] = []
  const whole = { after: (end: () => unknown) => void endings.push(end) }
  const script: ShopScript = {}
  let server: TestServer
  let browser: Browser
  before(async () => {
    server = await startTestServer(whole, { env: { OUTPOST_PLANNER: 'deterministic' } })
    browser = await startBrowser(whole)
  })
  after(async () => {
    for (const end of endings.reverse()) await end()
  })
  const open = async (t: { after(end: () => Promise<void>): void }, path: string, options: { signedIn: boolean }) => {
    const visit = await visitConsole(t, browser, server.url)
    if (options.signedIn) {
      await visit.page.goto((await outpost(whole, ['console'], { home: server.home })).stdout.trim())
      await visit.page.getByRole('navigation').first().waitFor()
    }
    await visit.open(path)
    await visit.page.getByRole('heading', { name: 'Plans', level: 1 }).waitFor()
    return visit.page
  }
  /** By keyboard alone, once the button has the focus. */
  const run = async (page: Page, action: string, data: Record<string, string>, approvalOf?: string) => {
    await page.getByRole('button', { name: 'Run an action' }).first().focus()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Run an action' })
    await dialog.getByRole('textbox', { name: 'Action' }).fill(action)
    await dialog.getByRole('tab', { name: 'JSON' }).focus()
    await page.keyboard.press('Enter')
    await dialog.getByRole('textbox', { name: 'One JSON object' }).fill(JSON.stringify(data))
    if (approvalOf !== undefined) await dialog.getByRole('checkbox', { name: approvalOf }).check()
    await dialog.getByRole('button', { name: 'Run', exact: true }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: action, level: 2 }).waitFor()
  }

  test('says what it is for while there is no plan, and the command that makes one', async (t) => {
    const page = await open(t, '/plans', { signedIn: false })
    await page.getByRole('heading', { name: 'No plan yet' }).waitFor()
    await page.getByText('npx outpost plan run "Where is this order?" -d orderId=ORD-7').waitFor()
    await page.getByRole('tab', { name: 'Services' }).click()
    await page.getByRole('heading', { name: 'No service yet' }).waitFor()
    assert.equal(page.url(), `${server.url}/plans/services`)
  })

  test('an action that no service can do says in plain words why', async (t) => {
    const page = await open(t, '/plans', { signedIn: true })
    await run(page, 'Sing a song', {})
    await page.getByRole('heading', { name: /No valid plan came out|These services cannot do that/ }).waitFor()
  })

  test('what is missing in the form is said beside it, and the data goes over from rows to JSON and back', async (t) => {
    const page = await open(t, '/plans', { signedIn: false })
    await page.getByRole('button', { name: 'Run an action' }).first().click()
    const dialog = page.getByRole('dialog', { name: 'Run an action' })
    await dialog.getByRole('button', { name: 'Run', exact: true }).click()
    await dialog.getByText('Say what is to be done').waitFor()
    await dialog.getByRole('textbox', { name: 'Field 1' }).fill('orderId')
    await dialog.getByRole('textbox', { name: 'Value 1' }).fill('ORD-7')
    await dialog.getByRole('tab', { name: 'JSON' }).click()
    const json = dialog.getByRole('textbox', { name: 'One JSON object' })
    assert.deepEqual(JSON.parse(await json.inputValue()), { orderId: 'ORD-7' })
    await json.fill('[1]')
    await dialog.getByRole('textbox', { name: 'Action' }).fill('Do it')
    await dialog.getByRole('button', { name: 'Run', exact: true }).click()
    await dialog.getByText('This is not a JSON object').waitFor()
    await json.fill('{"orderId":"ORD-8","count":2}')
    await dialog.getByRole('tab', { name: 'Data' }).click()
    assert.equal(await dialog.getByRole('textbox', { name: 'Value 1' }).inputValue(), 'ORD-8')
    assert.equal(await dialog.getByRole('textbox', { name: 'Value 2' }).inputValue(), '2')
  })

  test('a plan is followed from its approval to its results, with its graph and its timeline', async (t) => {
    await connectShop(whole, server, script)
    const page = await open(t, '/plans', { signedIn: true })
    const watcher = await open(t, '/plans', { signedIn: false })
    await run(page, shopAction, { orderId: 'ORD-7' }, 'refunds')
    await watcher.getByRole('row', { name: /^Running Look up the order/ }).waitFor()
    const question = page.getByRole('region', { name: /of refunds waits for approval$/ })
    await question.getByLabel('Note').fill('fine with me')
    await question.getByRole('button', { name: 'Approve' }).click()
    await page.getByRole('heading', { name: 'Results' }).waitFor()
    await page.getByText('Dear Ada, your refund R-1001 is on its way.').waitFor()
    await watcher.getByRole('row', { name: /^Completed Look up the order/ }).waitFor()

    const graph = page.getByRole('region', { name: 'Graph' })
    const edge = graph.getByRole('img', { name: /^Data of the action gives task1: orderId/ })
    await edge.focus()
    // In the card of the data, and now on the edge.
    await graph.getByText('orderId', { exact: true }).nth(1).waitFor()
    await page.getByText('Which field goes where').click()
    await page.getByRole('listitem').filter({ hasText: 'task1 gives' }).first().waitFor()
    assert.equal(await page.getByRole('table', { name: 'Timeline' }).getByRole('row').count(), 4)
    await page.getByRole('link', { name: 'Plans' }).last().click()
    await page.getByRole('table', { name: 'Plans' }).waitFor()
  })

  test('a refused task ends its plan and says who refused', async (t) => {
    const page = await open(t, '/plans', { signedIn: true })
    await run(page, `${shopAction}, again`, { orderId: 'ORD-8' }, 'refunds')
    const question = page.getByRole('region', { name: /of refunds waits for approval$/ })
    await question.getByLabel('Note').fill('not this one')
    await question.getByRole('button', { name: 'Refuse' }).click()
    await page.getByRole('heading', { name: 'A person refused a task' }).waitFor()
  })

  test('a plan that runs is aborted with a reason', async (t) => {
    const hold = Promise.withResolvers<object>()
    t.after(() => hold.resolve({ receipt: 'late' }))
    script.refund = () => hold.promise
    const page = await open(t, '/plans', { signedIn: true })
    await run(page, `${shopAction}, once more`, { orderId: 'ORD-9' })
    await page.getByRole('button', { name: 'Abort' }).click()
    const dialog = page.getByRole('dialog', { name: 'Abort this plan?' })
    await dialog.getByLabel('Reason').fill('the customer kept it')
    await dialog.getByRole('button', { name: 'Abort' }).click()
    await page.getByRole('heading', { name: 'It was aborted' }).waitFor()
    await page.getByRole('paragraph').filter({ hasText: 'the customer kept it' }).waitFor()
    assert.equal(await page.getByRole('button', { name: 'Abort' }).count(), 0)
  })

  test('the list is searched and filtered by state', async (t) => {
    const page = await open(t, '/plans', { signedIn: false })
    const rows = page.getByRole('table', { name: 'Plans' }).getByRole('row')
    await page.getByLabel('Search plans').fill('song')
    await page.getByRole('link', { name: 'Sing a song' }).waitFor()
    assert.equal(await rows.count(), 2)
    await page.getByRole('combobox', { name: 'State' }).click()
    await page.getByRole('option', { name: 'Completed' }).click()
    await page.getByRole('heading', { name: 'No plan is like that' }).waitFor()
    await page.getByRole('button', { name: 'Show all plans' }).click()
    await page.getByRole('link', { name: 'Sing a song' }).waitFor()
  })

  test('services show their schemas and whether they are there; who may not remove them has no button for it', async (t) => {
    const visitor = await open(t, '/plans/services', { signedIn: false })
    const card = visitor.getByRole('region', { name: 'orders' })
    await card.getByText('Connected: 1').waitFor()
    await card.getByText('What it takes and gives').click()
    await card.getByText(/"such as ORD-7"/).waitFor()
    assert.equal(await visitor.getByRole('button', { name: /^Remove/ }).count(), 0)
    for (const tab of ['Plan cache', 'Webhooks']) assert.equal(await visitor.getByRole('tab', { name: tab }).count(), 0)
    const page = await open(t, '/plans/services', { signedIn: true })
    await page.getByRole('button', { name: 'Remove letters' }).click()
    await page.getByRole('dialog', { name: 'Remove letters?' }).getByRole('button', { name: 'Remove' }).click()
    await page.getByRole('region', { name: 'letters' }).waitFor({ state: 'detached' })
  })

  test('the plan cache is listed and cleared', async (t) => {
    const page = await open(t, '/plans/cache', { signedIn: true })
    await page.getByRole('table', { name: 'Plan cache' }).getByRole('link', { name: shopAction, exact: true }).waitFor()
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.getByRole('dialog', { name: 'Clear the plan cache?' }).getByRole('button', { name: 'Clear' }).click()
    await page.getByRole('heading', { name: 'The plan cache is empty' }).waitFor()
  })

  test('a webhook is added with its secret shown once, and removed', async (t) => {
    const receiver = await startWebhookReceiver(t)
    const page = await open(t, '/plans/webhooks', { signedIn: true })
    await page.getByLabel('Address of a webhook').fill('nowhere')
    await page.getByRole('button', { name: 'Add webhook' }).click()
    await page.getByRole('alert').getByText('That did not work').waitFor()
    await page.getByLabel('Address of a webhook').fill(receiver.url)
    await page.getByRole('button', { name: 'Add webhook' }).click()
    await page.getByText(/The secret that signs what is sent/).waitFor()
    await page.getByText('Nothing was sent yet.').waitFor()
    await page.reload()
    await page.getByText('Nothing was sent yet.').waitFor()
    assert.equal(await page.getByText(/The secret that signs/).count(), 0)
    await page.getByRole('button', { name: /^Remove/ }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await page.getByText('Nobody is told yet how plans end.').waitFor()
  })

  test('a grounding shows its actions and rules as text, and is removed', async (t) => {
    const page = await open(t, '/plans/groundings', { signedIn: true })
    await page.getByText('npx outpost grounding apply -f FILE').waitFor()
    const grounding = {
      name: 'shop.refunds',
      domain: 'shop',
      version: '1.0',
      useCases: [{ action: 'Refund <img src=x> {order}', params: { order: 'ORD-1' }, capabilities: ['Refund an order'], intent: 'Money back' }],
      constraints: ['Never refund twice']
    }
    await page.evaluate(
      (body) => fetch('/outpost/groundings', { method: 'POST', headers: { 'content-type': 'application/json' }, body }).then(({ status }) => status),
      JSON.stringify(grounding)
    )
    await page.reload()
    const card = page.getByRole('region', { name: 'shop.refunds' })
    await card.getByText('Refund <img src=x> {order}').waitFor()
    await card.getByText('Never refund twice').waitFor()
    assert.equal(await card.locator('img').count(), 0)
    await card.getByRole('button', { name: 'Remove shop.refunds' }).click()
    await page.getByRole('dialog', { name: 'Remove shop.refunds?' }).getByRole('button', { name: 'Remove' }).click()
    await page.getByRole('heading', { name: 'No grounding yet' }).waitFor()
  })
})
