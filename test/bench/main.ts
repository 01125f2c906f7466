import { measureBundle } from './bundle.ts'
import { measureFit } from './fit.ts'
import { measureLlama } from './llama.ts'
import { measureOverhead } from './overhead.ts'
import { measurePlanEngine } from './plan-engine.ts'
import { type Section, writeSection } from './report.ts'
import { measureStart } from './start.ts'
import { measureTokens } from './tokens.ts'
import { measureWeights } from './weights.ts'

const benches: Record<string, () => Promise<Section>> = {
  overhead: measureOverhead,
  tokens: measureTokens,
  llama: measureLlama,
  start: measureStart,
  bundle: measureBundle,
  weights: measureWeights,
  fit: measureFit,
  'plan-engine': measurePlanEngine
}

const wanted = process.argv.slice(2)
const unknown = wanted.find((name) => !Object.hasOwn(benches, name))
if (unknown !== undefined || wanted.length === 0) {
  process.stderr.write(`Usage: npm run bench -- ${Object.keys(benches).join('|')}\n`)
  process.exit(2)
}
for (const name of wanted) writeSection(await (benches[name] as () => Promise<Section>)())
