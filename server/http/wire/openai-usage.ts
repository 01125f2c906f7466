import { z } from 'zod'
import type { FinishReason, TokenLogprob, Usage } from '#contracts/event.ts'

export const OpenAiUsage = z.object({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
  prompt_tokens_details: z.object({ cached_tokens: z.int() }),
  completion_tokens_details: z.object({ reasoning_tokens: z.int() })
})

export function toOpenAiUsage(usage: Usage): z.infer<typeof OpenAiUsage> {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens }
  }
}

export function addUsage(sum: Usage, more: Usage): Usage {
  return {
    promptTokens: sum.promptTokens + more.promptTokens,
    cachedTokens: sum.cachedTokens + more.cachedTokens,
    completionTokens: sum.completionTokens + more.completionTokens,
    reasoningTokens: sum.reasoningTokens + more.reasoningTokens
  }
}

const plainLogprob = { token: z.string(), logprob: z.number(), bytes: z.array(z.int()).nullable() }
export const OpenAiLogprobs = z.object({
  content: z.array(z.object({ ...plainLogprob, top_logprobs: z.array(z.object(plainLogprob)) })).nullable(),
  refusal: z.null()
})

export function toOpenAiLogprobs(logprobs: TokenLogprob[]): z.infer<typeof OpenAiLogprobs> {
  return { content: logprobs.map(({ token, logprob, bytes, top }) => ({ token, logprob, bytes, top_logprobs: top })), refusal: null }
}

/** A cancelled sequence has no finish reason of OpenAI's; its whole request ends with the error `cancelled`. */
export function toOpenAiFinish(reason: FinishReason): 'stop' | 'length' | 'tool_calls' {
  if (reason === 'tool-calls') return 'tool_calls'
  return reason === 'length' ? 'length' : 'stop'
}
