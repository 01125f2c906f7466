import { z } from 'zod'
import { Generation, limits } from '#contracts/chat.ts'
import { numberBetween, wholeNumberBetween } from './fields.ts'

const stopString = z.string().min(1, 'must not be empty').max(limits.stopLength)

/** Settings that chat/completions and completions have in common, with those that vLLM and llama.cpp add. */
export const samplingFields = {
  temperature: numberBetween(0, 2),
  top_p: z
    .number('must be a number above 0, at most 1')
    .gt(0, 'must be a number above 0, at most 1')
    .max(1, 'must be a number above 0, at most 1')
    .nullish(),
  top_k: wholeNumberBetween(-1, 1_000_000),
  min_p: numberBetween(0, 1),
  frequency_penalty: numberBetween(-2, 2),
  presence_penalty: numberBetween(-2, 2),
  repetition_penalty: numberBetween(0.1, 2),
  repeat_penalty: numberBetween(0.1, 2),
  // OpenAI's has 64 bits, and clients make random ones.
  seed: z
    .number('must be a whole number of 64 bits')
    .refine((seed) => Number.isInteger(seed) && Math.abs(seed) <= 2 ** 63, 'must be a whole number of 64 bits')
    .nullish(),
  n: wholeNumberBetween(1, limits.sequences),
  max_tokens: wholeNumberBetween(1, 10_000_000),
  stop: z
    .union(
      [stopString, z.array(stopString).max(limits.stopStrings, `must have at most ${limits.stopStrings} strings`)],
      'must be a string or an array of strings'
    )
    .nullish(),
  logit_bias: z
    .record(
      z.string().regex(/^\d{1,9}$/, 'must have token ids as keys'),
      z.number('must be a number from -100 to 100').min(-100, 'must be a number from -100 to 100').max(100, 'must be a number from -100 to 100')
    )
    .refine((bias) => Object.keys(bias).length <= limits.logitBias, `must have at most ${limits.logitBias} tokens`)
    .nullish()
}
const Sampling = z.object(samplingFields)

/** What a client leaves out: the same in every dialect. */
const defaults = Generation.parse({})

/** Foreign settings → ours, without `maxTokens` and `responseFormat`, which the endpoints differ in. */
export function toGeneration(body: z.infer<typeof Sampling>): Generation {
  const generation: Generation = {
    temperature: body.temperature ?? defaults.temperature,
    topP: body.top_p ?? defaults.topP,
    // vLLM writes "off" as −1, we as 0.
    topK: Math.max(0, body.top_k ?? defaults.topK),
    minP: body.min_p ?? defaults.minP,
    stop: typeof body.stop === 'string' ? [body.stop] : (body.stop ?? []),
    n: body.n ?? defaults.n,
    frequencyPenalty: body.frequency_penalty ?? defaults.frequencyPenalty,
    presencePenalty: body.presence_penalty ?? defaults.presencePenalty,
    repeatPenalty: body.repetition_penalty ?? body.repeat_penalty ?? defaults.repeatPenalty,
    logitBias: body.logit_bias ?? {},
    responseFormat: { type: 'text' },
    extensions: {}
  }
  if (body.seed != null) generation.seed = toSeed(body.seed)
  return generation
}

/** Ours has 32 bits; a longer one is folded, so that the same one always means the same. */
function toSeed(seed: number): number {
  if (seed >= -2147483648 && seed <= 4294967295) return seed
  const bits = BigInt.asUintN(64, BigInt(seed))
  return Number(BigInt.asUintN(32, bits ^ (bits >> 32n)))
}
