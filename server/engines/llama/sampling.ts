import { randomInt } from 'node:crypto'
import { z } from 'zod'
import type { ChatRequest } from '#contracts/chat.ts'
import { AppError } from '../../errors.ts'
import { ruleOf } from '../../issue-words.ts'
import type { NativeSamplerConfig } from './native.ts'

/** What this engine takes beside the common settings, under the names that llama.cpp's server and vLLM give them. */
export const LlamaExtensions = z.strictObject({
  /** Exclude top choices: the probability of doing so, and the probability a token must have to be a top choice. */
  xtc_probability: z.number().min(0).max(1).optional(),
  xtc_threshold: z.number().min(0).max(1).optional(),
  /** DRY, a penalty on repeated passages; 0 = off. */
  dry_multiplier: z.number().min(0).max(100).optional(),
  dry_base: z.number().min(1).max(100).optional(),
  dry_allowed_length: z.int().min(1).max(1000).optional(),
  /** Tokens looked back at; −1: all. */
  dry_penalty_last_n: z.int().min(-1).max(1_000_000).optional(),
  dry_sequence_breakers: z.array(z.string().min(1).max(64)).max(64).optional(),
  /** The model's end tokens never come, except where a grammar needs them: the answer goes on up to `maxTokens` or the window. */
  ignore_eos: z.boolean().optional(),
  /** Variables for the chat template (`enable_thinking` and the like). */
  chat_template_kwargs: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional()
})
export type LlamaExtensions = z.infer<typeof LlamaExtensions>

/** Throws `unsupported_feature` for a name that is not ours, `invalid_request` for a value out of range. */
export function parseExtensions(extensions: Record<string, unknown>): LlamaExtensions {
  const allowed = Object.keys(LlamaExtensions.shape)
  for (const name of Object.keys(extensions)) {
    if (!allowed.includes(name)) {
      throw new AppError('unsupported_feature', `the llama engine has no setting ${name}; it knows ${allowed.join(', ')}`, { param: name })
    }
  }
  const parsed = LlamaExtensions.safeParse(extensions)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const name = issue?.path.join('.') ?? ''
  throw new AppError('invalid_request', `${name} ${issue === undefined ? 'is not usable' : ruleOf(issue, extensions[String(issue.path[0])])}`, {
    param: name
  })
}

/** Prompt tokens that the repeat penalty looks back at, llama.cpp's default. */
const repeatLookback = 64
const dryBreakers = ['\n', ':', '"', '*']

/** A seed as llama.cpp wants it: 32 bits, and not the one that means "random" there. */
export function toNativeSeed(seed: number): number {
  const bits = seed >>> 0
  return bits === 0xffffffff ? 0x7fffffff : bits
}

type SamplerContext = {
  index: number
  prompt: readonly number[]
  vocabularySize: number
  /** Tokens that end an answer; empty where they must stay possible. */
  endTokens: readonly number[]
  window: number
}

/**
 * The native sampler's settings for answer `index` of a request, without a grammar.
 * Settings that change nothing are left out: an idle top-k of the whole vocabulary would sort it for each token.
 */
export function toSamplerConfig(request: ChatRequest, options: SamplerContext): NativeSamplerConfig {
  const { generation } = request
  const extensions = parseExtensions(generation.extensions)
  const config: NativeSamplerConfig = {}
  if (generation.temperature > 0) {
    config.temperature = generation.temperature
    if (generation.topK > 0) config.topK = generation.topK
    if (generation.topP < 1) config.topP = generation.topP
    if (generation.minP > 0) config.minP = generation.minP
    config.seed = toNativeSeed(generation.seed === undefined ? randomInt(0x7fffffff) : generation.seed + options.index)
  } else config.seed = 0
  if (extensions.xtc_probability !== undefined && extensions.xtc_probability > 0) {
    config.xtcProbability = extensions.xtc_probability
    config.xtcThreshold = extensions.xtc_threshold ?? 0.1
  }
  if (extensions.dry_multiplier !== undefined && extensions.dry_multiplier > 0) {
    config.dryRepeatPenaltyStrength = extensions.dry_multiplier
    config.dryRepeatPenaltyBase = extensions.dry_base ?? 1.75
    config.dryRepeatPenaltyAllowedLength = extensions.dry_allowed_length ?? 2
    config.dryRepeatPenaltyLastTokens = extensions.dry_penalty_last_n ?? -1
    config.dryRepeatPenaltySequenceBreakers = extensions.dry_sequence_breakers ?? dryBreakers
  }
  const { frequencyPenalty, presencePenalty, repeatPenalty } = generation
  if (frequencyPenalty !== 0 || presencePenalty !== 0 || repeatPenalty !== 1) {
    // Frequency and presence count what was generated, as OpenAI has it; the repeat penalty also looks back at the end of the prompt.
    config.repeatPenaltyTokens = Uint32Array.from(repeatPenalty === 1 ? [] : options.prompt.slice(-repeatLookback))
    config.repeatPenaltyMaxTokens = repeatLookback + Math.min(generation.maxTokens ?? options.window, options.window)
    config.repeatPenalty = repeatPenalty
    config.repeatPenaltyFrequencyPenalty = frequencyPenalty
    config.repeatPenaltyPresencePenalty = presencePenalty
  }
  const bias = new Map(Object.entries(generation.logitBias).map(([token, value]) => [Number(token), value]))
  if (extensions.ignore_eos === true) for (const token of options.endTokens) bias.set(token, -100)
  if (bias.size > 0) {
    for (const token of bias.keys()) {
      if (token >= options.vocabularySize) {
        throw new AppError('invalid_request', `logit_bias: token ${token} does not exist, the model has ${options.vocabularySize} tokens`, {
          param: 'logit_bias'
        })
      }
    }
    config.tokenBiasKeys = Uint32Array.from(bias.keys())
    // −100 is a promise that the token never comes, which no finite bias keeps.
    config.tokenBiasValues = Float32Array.from(bias.values(), (value) => (value <= -100 ? Number.NEGATIVE_INFINITY : value))
  }
  return config
}
