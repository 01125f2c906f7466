import { z } from 'zod'
import { type ChatRequest, limits } from '#contracts/chat.ts'
import type { TokenLogprob, Usage } from '#contracts/event.ts'
import { AppError } from '../../errors.ts'
import { modelName, priority, serviceTier, wholeNumberBetween } from './fields.ts'
import type { Answer } from './openai-reply.ts'
import { systemFingerprint } from './openai-reply.ts'
import { samplingFields, toGeneration } from './openai-sampling.ts'
import { OpenAiUsage, toOpenAiUsage } from './openai-usage.ts'

/** Prompts of one request; each is a job of its own. */
const maxPrompts = 64
/** OpenAI's default of this older endpoint, which its users count on. */
const defaultMaxTokens = 16

/** Checked in the mapper, which can tell tokens from mistakes. */
const anyText = z.unknown().meta({ type: 'string' })
const promptRule = 'must be a text or an array of texts'

/** Body of `POST /v1/completions`, the older form: the prompt is continued as it stands, without a chat template. */
export const CompletionBody = z.looseObject({
  model: modelName,
  prompt: z.union(
    [z.string(), z.array(anyText).min(1, 'must have at least 1 text').max(maxPrompts, `must have at most ${maxPrompts} texts`)],
    promptRule
  ),
  ...samplingFields,
  echo: z.boolean().nullish(),
  logprobs: wholeNumberBetween(0, limits.logprobs),
  best_of: wholeNumberBetween(1, limits.sequences),
  suffix: z.string().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  service_tier: serviceTier,
  priority
})
export type CompletionBody = z.infer<typeof CompletionBody>

/** One request for each prompt. Throws `unsupported_feature` naming the field. */
export function toPromptRequests(body: CompletionBody, model: string): (ChatRequest & { prompt: string })[] {
  if (body.suffix != null && body.suffix !== '') throw unsupported('suffix', 'is not supported; the models here only continue a text')
  if (body.best_of != null && body.best_of > (body.n ?? 1))
    throw unsupported('best_of', `must not be greater than n (${body.n ?? 1}), got ${body.best_of}; ask for n answers instead`)
  if (body.echo === true && body.logprobs != null)
    throw unsupported('echo', 'cannot be combined with logprobs; the prompt has no log probabilities here')
  const prompts = typeof body.prompt === 'string' ? [body.prompt] : body.prompt.map(toPrompt)
  const generation = toGeneration(body)
  generation.maxTokens = body.max_tokens ?? defaultMaxTokens
  return prompts.map((prompt) => ({
    model,
    messages: [],
    prompt,
    tools: [],
    toolChoice: { type: 'auto' },
    parallelToolCalls: true,
    generation,
    features: { reasoning: false, ...(body.logprobs == null ? {} : { logprobs: body.logprobs }) }
  }))
}

function toPrompt(entry: unknown, i: number): string {
  if (typeof entry === 'string') return entry
  if (typeof entry === 'number' || Array.isArray(entry))
    throw unsupported(`prompt.${i}`, 'must be a text, got tokens; their numbers differ from model to model, so send the text')
  throw new AppError('invalid_request', `prompt.${i} must be a text`, { param: `prompt.${i}` })
}

function unsupported(param: string, rule: string): AppError {
  return new AppError('unsupported_feature', `${param} ${rule}`, { param })
}

const CompletionLogprobs = z.object({
  tokens: z.array(z.string()),
  token_logprobs: z.array(z.number()),
  top_logprobs: z.array(z.record(z.string(), z.number())).nullable(),
  text_offset: z.array(z.int())
})

export const Completion = z.object({
  id: z.string(),
  object: z.literal('text_completion'),
  created: z.int(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: z.int(),
      text: z.string(),
      logprobs: CompletionLogprobs.nullable(),
      finish_reason: z.enum(['stop', 'length', 'tool_calls']).nullable()
    })
  ),
  usage: OpenAiUsage,
  system_fingerprint: z.string()
})
export type Completion = z.infer<typeof Completion>

/** `offset`: characters of the answer before these tokens. */
export function toCompletionLogprobs(logprobs: TokenLogprob[], offset: number): z.infer<typeof CompletionLogprobs> {
  let at = offset
  return {
    tokens: logprobs.map(({ token }) => token),
    token_logprobs: logprobs.map(({ logprob }) => logprob),
    top_logprobs: logprobs.map(({ top }) => Object.fromEntries(top.map(({ token, logprob }) => [token, logprob]))),
    text_offset: logprobs.map(({ token }) => {
      const start = at
      at += token.length
      return start
    })
  }
}

/** `answers[i]` are those of prompt i; `echo` puts that prompt in front. */
export function toCompletion(
  prompts: { prompt: string; answers: Answer[] }[],
  options: { id: string; model: string; usage: Usage; echo: boolean }
): Completion {
  const choices = prompts.flatMap(({ prompt, answers }) => answers.map((answer) => ({ prompt, answer })))
  return {
    id: `cmpl-${options.id}`,
    object: 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model: options.model,
    choices: choices.map(({ prompt, answer }, index) => ({
      index,
      text: options.echo ? prompt + answer.text : answer.text,
      logprobs: answer.logprobs === undefined ? null : toCompletionLogprobs(answer.logprobs, 0),
      finish_reason: answer.finish
    })),
    usage: toOpenAiUsage(options.usage),
    system_fingerprint: systemFingerprint
  }
}
