import { parseArgs } from 'node:util'
import { measureBundle } from './bundle.ts'
import { measureConsole } from './console.ts'
import { measureFit } from './fit.ts'
import { measureLlama } from './llama.ts'
import { measureOverhead } from './overhead.ts'
import { measurePlanEngine } from './plan-engine.ts'
import { measurePlans, type PlansOptions } from './plans.ts'
import { type Section, writeSection } from './report.ts'
import { measureStart } from './start.ts'
import { measureTokens } from './tokens.ts'
import { measureWeights } from './weights.ts'

const benches: Record<string, (options: PlansOptions) => Promise<Section>> = {
  overhead: measureOverhead,
  tokens: measureTokens,
  llama: measureLlama,
  start: measureStart,
  bundle: measureBundle,
  weights: measureWeights,
  fit: measureFit,
  console: measureConsole,
  'plan-engine': measurePlanEngine,
  plans: measurePlans
}

const { positionals: wanted, values } = parseArgs({
  allowPositionals: true,
  options: { model: { type: 'string', multiple: true, default: [] }, actions: { type: 'string' } }
})
const unknown = wanted.find((name) => !Object.hasOwn(benches, name))
if (unknown !== undefined || wanted.length === 0) {
  process.stderr.write(`Usage: npm run bench -- ${Object.keys(benches).join('|')} [--model ID]… [--actions N], the last two for plans\n`)
  process.exit(2)
}
const options = { models: values.model, actions: values.actions === undefined ? undefined : Number(values.actions) }
for (const name of wanted) writeSection(await (benches[name] as (typeof benches)[string])(options))
