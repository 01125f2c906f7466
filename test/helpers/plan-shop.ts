import { outpost } from '../cli/outpost.ts'
import type { Ending } from './on-end.ts'
import { connectPlanService, type PlanServiceOptions } from './plan-service.ts'

/** What a service of the shop says instead of working. */
export type ShopScript = { refund?: () => unknown }

/** Three services of a shop in the server's own project: an order is looked up, its money paid back, and its customer told. */
export async function connectShop(t: Ending, server: { url: string; home: string }, script: ShopScript = {}): Promise<void> {
  const key = (await outpost(t, ['keys', 'create', 'shop services'], { home: server.home })).stdout.trim()
  const text = (description: string) => ({ type: 'string', description })
  const object = (properties: Record<string, object>) => ({ type: 'object', properties, required: Object.keys(properties) })
  const connect = (options: Omit<PlanServiceOptions, 'url' | 'projectKey'>) => connectPlanService(t, { url: server.url, projectKey: key, ...options })
  await connect({
    name: 'orders',
    description: 'Looks up an order: its customer and its total',
    schema: {
      input: object({ orderId: text('such as ORD-7') }),
      output: object({ customer: text('name of the customer'), total: text('what was paid') })
    },
    handler: () => ({ customer: '<b>Ada</b> Lovelace', total: '49.90 EUR' })
  })
  await connect({
    name: 'refunds',
    description: 'Refunds the total of an order',
    schema: {
      input: object({ orderId: text('such as ORD-7'), total: text('what was paid') }),
      output: object({ receipt: text('number of the receipt') })
    },
    revertible: true,
    handler: () => script.refund?.() ?? { receipt: 'R-1001' }
  })
  await connect({
    name: 'letters',
    description: 'Writes a letter to the customer about a receipt',
    schema: {
      input: object({ customer: text('name of the customer'), receipt: text('number of the receipt') }),
      output: object({ letter: text('its words') })
    },
    handler: () => ({ letter: 'Dear Ada, your refund R-1001 is on its way.' })
  })
}

/** Uses all three. */
export const shopAction = 'Look up the order, refund its total and write a letter to the customer about the receipt'
