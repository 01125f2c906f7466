import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { getLlama, type Llama, type LlamaContext, LlamaGrammar, LlamaGrammarEvaluationState, LlamaLogLevel, type LlamaModel } from 'node-llama-cpp'
import { formatChecks } from '../../../server/engines/llama/grammar/formats.ts'
import { compileJsonSchema } from '../../../server/engines/llama/json-schema-grammar.ts'
import { chatWeights } from '../../helpers/weights.ts'
import { schemas } from './schemas.ts'

/** More of them by hand: `SEEDS=50 node --test …`. */
const seeds = Number(process.env.SEEDS ?? 1)
const longest = 60
const slots = 8
const prompt = '<|im_start|>user\nMake up some data and answer in JSON.<|im_end|>\n<|im_start|>assistant\n'

let llama: Llama
let model: LlamaModel
let context: LlamaContext
before(async () => {
  llama = await getLlama({ build: 'never', gpu: false, logLevel: LlamaLogLevel.error })
  model = await llama.loadModel({ modelPath: await chatWeights() })
  context = await model.createContext({ contextSize: 256, sequences: slots, threads: 1 })
})
after(async () => {
  await context.dispose()
  await model.dispose()
  await llama.dispose()
})

/** One answer at a temperature at which the small model only babbles; undefined when it did not come to an end. */
async function generate(grammar: LlamaGrammar, seed: number): Promise<string | undefined> {
  const sequence = context.getSequence()
  try {
    const state = new LlamaGrammarEvaluationState({ model, grammar })
    const tokens = []
    for await (const token of sequence.evaluate(model.tokenize(prompt, true), {
      temperature: 1.5,
      seed,
      grammarEvaluationState: state,
      yieldEogToken: true
    })) {
      if (model.isEogToken(token)) return model.detokenize(tokens)
      tokens.push(token)
      if (tokens.length >= longest) return undefined
    }
    return undefined
  } finally {
    await sequence.dispose()
  }
}

describe('what a model writes is valid', { concurrency: slots }, () => {
  let finished = 0
  for (const { title, schema, sure } of schemas) {
    test(title, async () => {
      const { gbnf, check } = compileJsonSchema(schema)
      const grammar = new LlamaGrammar(llama, { grammar: gbnf })
      const validate = new Ajv2020({ strict: false, formats: formatChecks(), multipleOfPrecision: 9 }).compile(schema)
      for (let seed = 1; seed <= seeds; seed++) {
        const text = await generate(grammar, seed)
        if (text === undefined) continue
        finished++
        const isValid = validate(JSON.parse(text))
        if (sure) assert.ok(isValid, `${text}: ${JSON.stringify(validate.errors)}`)
        assert.equal(check(text).length === 0, isValid, text)
      }
    })
  }

  after(() => assert.ok(finished > (schemas.length * seeds) / 2, `${finished} of ${schemas.length * seeds} answers ended`))
})
