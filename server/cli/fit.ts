import { parseArgs } from 'node:util'
import { CacheType, type Fit } from '#contracts/weights.ts'
import { loadConfig } from '../config.ts'
import { choiceOption, numberOption, oneArgument } from './arguments.ts'
import { openFacts } from './facts.ts'
import { isPath } from './show.ts'
import { paint, say, sayJson } from './terminal.ts'

/** Whether a model fits this machine as it is now. Exit code 1 when it does not. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: {
      context: { type: 'string' },
      slots: { type: 'string' },
      cache: { type: 'string' },
      json: { type: 'boolean', default: false }
    },
    allowPositionals: true
  })
  const name = oneArgument(positionals, 'MODEL')
  const settings = {
    contextWindow: numberOption('context', values.context, { min: 1, max: 999_999_999, whole: true }),
    slots: numberOption('slots', values.slots, { min: 1, max: 256, whole: true }),
    cacheType: choiceOption('cache', values.cache, CacheType.options)
  }
  const facts = await openFacts(loadConfig())
  const fit = isPath(name) ? await facts.fitFile(name, settings) : await facts.fit(name, settings)
  if (values.json) sayJson({ model: name, ...fit })
  else say(describe(fit))
  return fit.verdict === 'none' ? 1 : 0
}

const colours = { fits: 'green', layers: 'yellow', context: 'yellow', none: 'red' } as const

function describe({ verdict, text, isEstimate, contextWindow, slots, cacheType, need, available }: Fit): string {
  const parts = `weights ${inGibibytes(need.weights)}, cache ${inGibibytes(need.cache)}, step ${inGibibytes(need.compute + need.output)}, process ${inGibibytes(need.process)}`
  return [
    `${paint(colours[verdict], text)}${isEstimate ? ' (an estimate: the header is not here, or of a rare kind)' : ''}`,
    `${slots} ${slots === 1 ? 'slot' : 'slots'} of ${contextWindow} tokens, cache in ${cacheType}: ${inGibibytes(need.total)}`,
    `  ${parts}`,
    `free for models: ${inGibibytes(available.memory)}${available.gpu > 0 ? `, and ${inGibibytes(available.gpu)} on the GPU` : ''}`
  ].join('\n')
}

function inGibibytes(bytes: number): string {
  return bytes < 2 ** 30 ? `${Math.round(bytes / 2 ** 20)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`
}
