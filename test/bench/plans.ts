import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { installedChatModels } from '../helpers/weights.ts'
import { table } from './overhead.ts'
import type { PlannedAction } from './plans/plan-actions.ts'
import { median } from './processes.ts'
import type { Section } from './report.ts'

export type PlansOptions = {
  /** Ids or names of models, pulled where they are not here. Empty: those that are here. */
  models: string[]
  /** Of each catalogue, from its first; undefined: all. */
  actions: number | undefined
}

/** How well models plan, with the plan's schema enforced while they write and without. */
export async function measurePlans({ models, actions }: PlansOptions): Promise<Section> {
  const rows: string[][] = []
  for (const { id, path } of await installedChatModels(models)) {
    for (const grammar of ['on', 'off'] as const) {
      // Without the grammar a small model writes until its time is over: one action of each catalogue shows it.
      const each = grammar === 'on' ? (actions ?? 0) : 1
      const planned = await planAll([id, path, grammar, String(each)])
      const count = (is: (one: PlannedAction) => boolean) => `${planned.filter(is).length} of ${planned.length}`
      const possible = planned.filter(({ references }) => references !== undefined)
      const medianOf = (value: (one: PlannedAction) => number) => median(planned.map(value))
      rows.push([
        id,
        grammar,
        count(({ valid, attempts }) => valid && attempts === 1),
        count(({ valid }) => valid),
        count(({ services }) => services),
        `${possible.filter(({ references }) => references).length} of ${possible.length}`,
        `${medianOf(({ promptTokens }) => promptTokens)} + ${medianOf(({ completionTokens }) => completionTokens)}`,
        (medianOf(({ ms }) => ms) / 1000).toFixed(1)
      ])
    }
  }
  return {
    title: 'Plans of small models',
    text: [
      'Actions over six catalogues of services (shop, travel, IT tickets, HR, data analysis, factory) whose right plans are known; one in eight cannot be done with the services there, which is right when it is said. "Right services": each that is needed, as often as it is needed, and no other. "Right references": every input that matters gets its value from where it should; of the actions that can be done. Grammar: whether the plan\'s schema is enforced while the model writes; without it the model is asked for the whole plan in one answer, and one action of each catalogue is tried. Temperature 0, at most three attempts and 45 s: what takes longer counts as not planned. Tokens read and written by all attempts, and seconds: medians.',
      table(['model', 'grammar', 'valid at first try', 'valid after retries', 'right services', 'right references', 'tokens', 'seconds'], rows)
    ]
  }
}

async function planAll(args: string[]): Promise<PlannedAction[]> {
  // See `loadLlamaEngine` for the one thread.
  const child = fork(join(import.meta.dirname, 'plans/plan-actions.ts'), args, { env: { ...process.env, UV_THREADPOOL_SIZE: '1' } })
  const planned: PlannedAction[] = []
  child.on('message', (one: PlannedAction) => {
    planned.push(one)
    const verdict = one.wrong.length === 0 ? 'right' : `${one.valid ? 'valid' : 'not valid'}, ${one.wrong.join('; ')}`
    process.stderr.write(`${one.catalogue}: ${one.action} – ${verdict} (${one.attempts}. try, ${(one.ms / 1000).toFixed(1)} s)\n`)
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`planning with ${args.join(' ')} ended with ${code}`)
  return planned
}
