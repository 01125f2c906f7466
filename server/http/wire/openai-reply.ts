import { z } from 'zod'
import type { SequencedEvent, TokenLogprob, Usage } from '#contracts/event.ts'
import type { Lane } from '#contracts/job.ts'
import { version } from '../../version.ts'
import { tierOf } from './fields.ts'
import { OpenAiLogprobs, OpenAiUsage, toOpenAiFinish, toOpenAiLogprobs, toOpenAiUsage } from './openai-usage.ts'

/** Changes when the same seed may give another answer: with the product's version. */
export const systemFingerprint = `outpost-${version}`

/** One answer as it grew. */
export type Answer = {
  text: string
  reasoning: string
  toolCalls: { id: string; name: string; arguments: string }[]
  logprobs: TokenLogprob[] | undefined
  finish: 'stop' | 'length' | 'tool_calls'
}
export type Answers = { jobId: string; answers: Answer[]; usage: Usage; warnings: string[] }

/** Gathers the events of one job into its answers. */
export function createAnswers(): { add: (event: SequencedEvent) => void; result: Answers } {
  const result: Answers = {
    jobId: '',
    answers: [],
    usage: { promptTokens: 0, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 },
    warnings: []
  }
  const answerAt = (index: number): Answer => {
    let answer = result.answers[index]
    if (answer === undefined) {
      answer = { text: '', reasoning: '', toolCalls: [], logprobs: undefined, finish: 'stop' }
      result.answers[index] = answer
    }
    return answer
  }
  const add = (event: SequencedEvent) => {
    result.jobId = event.jobId
    switch (event.type) {
      case 'text-delta': {
        const answer = answerAt(event.index)
        answer.text += event.text
        if (event.logprobs !== undefined) {
          answer.logprobs ??= []
          answer.logprobs.push(...event.logprobs)
        }
        break
      }
      case 'sequence-start':
        answerAt(event.index)
        break
      case 'reasoning-delta':
        answerAt(event.index).reasoning += event.text
        break
      case 'tool-call-delta': {
        const { toolCalls } = answerAt(event.index)
        let call = toolCalls[event.callIndex]
        if (call === undefined) {
          call = { id: '', name: '', arguments: '' }
          toolCalls[event.callIndex] = call
        }
        call.id ||= event.id ?? ''
        call.name ||= event.name ?? ''
        call.arguments += event.argumentsText
        break
      }
      case 'sequence-end':
        answerAt(event.index).finish = toOpenAiFinish(event.finishReason)
        break
      case 'generation-end':
        result.usage = event.usage
        break
      case 'warning':
        result.warnings.push(event.message)
        break
    }
  }
  return { add, result }
}

export const ChatCompletion = z.object({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: z.int(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: z.int(),
      message: z.object({
        role: z.literal('assistant'),
        content: z.string().nullable(),
        refusal: z.null(),
        reasoning_content: z.string().optional(),
        reasoning: z.string().optional(),
        tool_calls: z
          .array(z.object({ id: z.string(), type: z.literal('function'), function: z.object({ name: z.string(), arguments: z.string() }) }))
          .optional()
      }),
      logprobs: OpenAiLogprobs.nullable(),
      finish_reason: z.enum(['stop', 'length', 'tool_calls'])
    })
  ),
  usage: OpenAiUsage,
  service_tier: z.enum(['priority', 'default', 'flex']),
  system_fingerprint: z.string()
})
export type ChatCompletion = z.infer<typeof ChatCompletion>

export function toChatCompletion({ jobId, answers, usage }: Answers, options: { model: string; lane: Lane; logprobs: boolean }): ChatCompletion {
  return {
    id: `chatcmpl-${jobId}`,
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model: options.model,
    choices: answers.map((answer, index) => ({
      index,
      message: {
        role: 'assistant',
        content: answer.text === '' && answer.toolCalls.length > 0 ? null : answer.text,
        refusal: null,
        ...(answer.reasoning === '' ? {} : { reasoning_content: answer.reasoning, reasoning: answer.reasoning }),
        ...(answer.toolCalls.length === 0
          ? {}
          : {
              tool_calls: answer.toolCalls.map((call) => ({
                id: call.id,
                type: 'function' as const,
                function: { name: call.name, arguments: call.arguments }
              }))
            })
      },
      logprobs: options.logprobs ? toOpenAiLogprobs(answer.logprobs ?? []) : null,
      finish_reason: answer.finish
    })),
    usage: toOpenAiUsage(usage),
    service_tier: tierOf(options.lane),
    system_fingerprint: systemFingerprint
  }
}
