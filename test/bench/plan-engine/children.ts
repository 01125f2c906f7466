import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { CallerOrder, CallerReport } from './caller.ts'
import type { ServicesOrder, ServicesReport } from './services.ts'

export type Child<Order, Report> = { run(order: Order): Promise<Report>; stop(): Promise<void> }

export const startServices = () => start<ServicesOrder, ServicesReport>('services.ts')
export const startCaller = () => start<CallerOrder, CallerReport>('caller.ts')

/** A process that answers each order with a report, one after the other. */
function start<Order extends object, Report>(file: string): Child<Order, Report> {
  const child = fork(join(import.meta.dirname, file))
  const ended = once(child, 'exit')
  return {
    async run(order) {
      child.send(order)
      const [report] = await Promise.race([
        once(child, 'message'),
        ended.then(() => Promise.reject(new Error(`${file} ended while it measured ${JSON.stringify(order)}`)))
      ])
      return report as Report // The file named sends nothing else.
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.disconnect()
      await ended
    }
  }
}
