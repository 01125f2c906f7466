import type { Page } from 'playwright-core'
import { outpost } from '../cli/outpost.ts'
import { type Ending, onEnd } from '../helpers/on-end.ts'
import { connectShop, shopAction } from '../helpers/plan-shop.ts'
import { startTestServer } from '../helpers/server.ts'
import { startFileServer } from '../models/file-server.ts'
import { entryOf, fileOf } from '../models/fixtures.ts'
import { prepareKeysAndUsage, shotsOfKeysAndUsage } from './keys-and-usage.ts'
import { startTraffic } from './traffic.ts'

/** Brings a page of the console into the state that is to be seen. */
export type Shot = (page: Page) => Promise<void>

export type Showcase = {
  url: string
  /** Each opens once. */
  signInLink(): Promise<string>
  shots: Record<string, Shot>
}

/** A server with something of everything to see, and what is worth seeing of each page. Each page adds its own. */
export async function startShowcase(t: Ending): Promise<Showcase> {
  const hold = Promise.withResolvers<void>()
  const bytes = Buffer.alloc(2_600_000, 7)
  const files = await startFileServer(() => ({ bytes, etag: '"1"', holdAfter: { bytes: 1_100_000, until: hold.promise } }))
  onEnd(t, () => {
    hold.resolve()
    return files[Symbol.asyncDispose]()
  })
  const coming = { ...entryOf([fileOf(bytes)], 'tiny-writer'), name: 'Tiny Writer 2M', engine: 'llama', parameters: 2_000_000, contextWindow: 8192 }
  const fake = (id: string, name: string, more: object = {}) => ({
    id,
    name,
    description: 'for pictures',
    kind: 'chat',
    engine: 'fake',
    licence: 'Apache-2.0',
    contextWindow: 8192,
    files: [],
    ...more
  })
  const server = await startTestServer(t, {
    catalogue: {
      defaults: { chat: 'house-chat', embedding: 'house-search' },
      models: [
        fake('house-chat', 'House Chat 3B', { uses: ['chat', 'code'] }),
        fake('house-search', 'House Search', { kind: 'embedding', dimensions: 384, uses: ['embedding'] }),
        fake('house-reasoner', 'House Reasoner 8B', { uses: ['chat', 'reasoning'] }),
        coming
      ]
    },
    env: { OUTPOST_MIRRORS: files.url, OUTPOST_MEMORY_BUDGET: '8GB', OUTPOST_PLANNER: 'deterministic' }
  })
  const command = async (...args: string[]) => (await outpost(t, args, { home: server.home })).stdout.trim()
  await command('pin', 'house-chat')
  await prepareKeysAndUsage(server.url, command)
  await connectShop(t, server)
  for (const order of ['ORD-7', 'ORD-8']) await command('plan', 'run', shopAction, '-d', `orderId=${order}`)
  await outpost(t, ['plan', 'run', 'Sing a song'], { home: server.home })
  const waiting = await startPlan(server.url, 'refunds')
  await startTraffic(t, server)
  return {
    url: server.url,
    signInLink: () => command('console'),
    shots: {
      async models(page) {
        await page.goto(`${server.url}/models`)
        await page.getByRole('row', { name: /House Chat/ }).waitFor()
        const row = page.getByRole('row', { name: /Tiny Writer/ })
        if (await row.getByRole('button', { name: 'Pull' }).isVisible()) await row.getByRole('button', { name: 'Pull' }).click()
        await row.getByText('Pulling 42%').waitFor()
        await page.getByText('Being checked').first().waitFor({ state: 'detached' })
        await page
          .getByRole('region', { name: 'Notices' })
          .getByRole('button', { name: 'Close' })
          .click({ timeout: 300 })
          .catch(() => {})
      },
      async 'models-details'(page) {
        await page.goto(`${server.url}/models/tiny-writer`)
        await page.getByRole('complementary').getByRole('progressbar').waitFor()
        await page.getByRole('complementary').getByRole('meter').waitFor()
      },
      async 'models-add'(page) {
        await page.goto(`${server.url}/models`)
        await page.getByRole('button', { name: 'Add model' }).click()
        await page.getByRole('textbox', { name: 'Name or link' }).waitFor()
      },
      async activity(page) {
        await page.goto(`${server.url}/activity`)
        await page.getByRole('button', { name: /number 3 in line/ }).waitFor()
        await page.getByRole('table').getByText('Failed').first().waitFor()
      },
      async 'activity-waiting'(page) {
        await page.goto(`${server.url}/activity`)
        await page.getByRole('button', { name: /number 2 in line/ }).click()
        await page.getByRole('complementary').getByText('Waits').waitFor()
      },
      async 'activity-ended'(page) {
        await page.goto(`${server.url}/activity`)
        await page.getByRole('button', { name: /^Done/ }).click()
        await page.getByRole('table').getByRole('button').first().click()
        await page.getByRole('complementary').getByText('Writing').waitFor()
      },
      async palette(page) {
        await page.goto(`${server.url}/models`)
        await page.getByRole('row', { name: /House Chat/ }).waitFor()
        await page.keyboard.press('Control+k')
        await page.getByRole('combobox').waitFor()
      },
      async 'models-empty'(page) {
        await page.goto(`${server.url}/models`)
        await page.getByLabel('Search models').fill('nothing like that')
        await page.getByRole('heading', { name: 'No model is like that' }).waitFor()
      },
      ...shotsOfKeysAndUsage(server.url),
      async plans(page) {
        await page.goto(`${server.url}/plans`)
        await page.getByRole('row', { name: /^Running/ }).waitFor()
      },
      async 'plans-room'(page) {
        await page.goto(`${server.url}/plans/${waiting}`)
        await page.getByRole('button', { name: 'Approve' }).waitFor()
        await page.getByRole('img', { name: /^task1 gives task3/ }).focus()
      },
      async 'plans-failed'(page) {
        await page.goto(`${server.url}/plans`)
        await page.getByRole('link', { name: 'Sing a song' }).click()
        await page.getByRole('heading', { name: 'About' }).waitFor()
      },
      async 'plans-results'(page) {
        await page.goto(`${server.url}/plans`)
        await page
          .getByRole('row', { name: /^Completed/ })
          .first()
          .getByRole('link')
          .click()
        await page.getByRole('heading', { name: 'Results' }).waitFor()
      },
      async 'plans-run'(page) {
        await page.goto(`${server.url}/plans`)
        await page.getByRole('button', { name: 'Run an action' }).click()
        await page.getByRole('checkbox', { name: 'refunds' }).waitFor()
      },
      async 'plans-services'(page) {
        await page.goto(`${server.url}/plans/services`)
        await page.getByRole('region', { name: 'letters' }).waitFor()
      },
      async 'plans-cache'(page) {
        await page.goto(`${server.url}/plans/cache`)
        await page.getByRole('table', { name: 'Plan cache' }).waitFor()
      },
      async 'plans-webhooks'(page) {
        await page.goto(`${server.url}/plans/webhooks`)
        await page.getByText('Nobody is told yet how plans end.').waitFor()
      },
      async 'sign-in'(page) {
        await page.goto(`${server.url}/models`)
        await page.route('**/outpost/session', (route) =>
          route.fulfill({ status: 401, json: { error: { code: 'unauthorized', message: 'a key is needed', type: 'x', param: null } } })
        )
        await page.reload()
        await page.getByRole('heading', { name: 'Sign in to Outpost' }).waitFor()
        await page.unrouteAll()
      }
    }
  }
}

/** A plan that waits for approval of a service's task. Its id. */
async function startPlan(url: string, serviceName: string): Promise<string> {
  const { services } = (await (await fetch(`${url}/outpost/services`)).json()) as { services: { id: string; name: string }[] }
  const approval = services.filter(({ name }) => name === serviceName).map(({ id }) => id)
  const response = await fetch(`${url}/outpost/plans`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ action: shopAction, data: [{ field: 'orderId', value: 'ORD-9' }], approval, async: true })
  })
  return ((await response.json()) as { plan: { id: string } }).plan.id
}
