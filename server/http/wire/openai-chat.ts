import { z } from 'zod'
import { type ChatRequest, type Features, limits } from '#contracts/chat.ts'
import { AppError } from '../../errors.ts'
import { modelName, priority, serviceTier, wholeNumberBetween } from './fields.ts'
import { OpenAiMessage, toMessages } from './openai-messages.ts'
import { samplingFields, toGeneration } from './openai-sampling.ts'
import { OpenAiResponseFormat, toolFields, toResponseFormat, toTools } from './openai-tools.ts'

/** Body of `POST /v1/chat/completions`, with the fields that vLLM, llama.cpp and OpenRouter add. What is not here is passed over. */
export const ChatCompletionBody = z.looseObject({
  model: modelName,
  messages: z.array(OpenAiMessage).min(1, 'must have at least 1 message').max(100_000),
  ...samplingFields,
  ...toolFields,
  max_completion_tokens: wholeNumberBetween(1, 10_000_000),
  response_format: OpenAiResponseFormat.nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: wholeNumberBetween(0, limits.logprobs),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  service_tier: serviceTier,
  priority,
  reasoning_effort: z.string().nullish(),
  include_reasoning: z.boolean().nullish(),
  chat_template_kwargs: z.looseObject({ enable_thinking: z.boolean().nullish() }).nullish()
})
export type ChatCompletionBody = z.infer<typeof ChatCompletionBody>

/** Fields whose being ignored would change what the client gets back. */
const refused: Record<string, string> = {
  functions: 'send "tools" instead',
  function_call: 'send "tool_choice" instead',
  audio: 'this server answers with text',
  web_search_options: 'this server does not search the web'
}

/** Throws `invalid_request` or `unsupported_feature` naming the field. `model` is the id of a known model. */
export function toChatRequest(body: ChatCompletionBody, model: string): ChatRequest {
  for (const field in refused) {
    if (body[field] != null) throw new AppError('unsupported_feature', `${field} is not supported; ${refused[field]}`, { param: field })
  }
  const modalities = body.modalities
  if (Array.isArray(modalities) && modalities.some((modality) => modality !== 'text')) {
    throw new AppError('unsupported_feature', 'modalities must be ["text"]; this server answers with text', { param: 'modalities' })
  }
  const generation = toGeneration(body)
  const maxTokens = body.max_completion_tokens ?? body.max_tokens
  if (maxTokens != null) generation.maxTokens = maxTokens
  generation.responseFormat = toResponseFormat(body.response_format)
  return { model, messages: toMessages(body.messages), ...toTools(body), generation, features: toFeatures(body) }
}

function toFeatures(body: ChatCompletionBody): Features {
  const features: Features = { reasoning: wantsReasoning(body) }
  if (body.logprobs === true) features.logprobs = body.top_logprobs ?? 0
  else if (body.top_logprobs != null && body.top_logprobs > 0) {
    throw new AppError('invalid_request', `top_logprobs must come with logprobs: true, got logprobs ${body.logprobs ?? 'absent'}`, {
      param: 'top_logprobs'
    })
  }
  return features
}

function wantsReasoning(body: ChatCompletionBody): boolean {
  if (body.include_reasoning != null) return body.include_reasoning
  return (body.reasoning_effort != null && body.reasoning_effort !== 'none') || body.chat_template_kwargs?.enable_thinking === true
}
