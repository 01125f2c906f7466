import type { SequencedEvent } from '#contracts/event.ts'
import type { Lane } from '#contracts/job.ts'
import { tierOf } from './fields.ts'
import { systemFingerprint } from './openai-reply.ts'
import { toOpenAiFinish, toOpenAiLogprobs, toOpenAiUsage } from './openai-usage.ts'

export type ChunkOptions = { model: string; lane: Lane; includeUsage: boolean }

/**
 * Events of one job → the text of OpenAI's chunks, `data: …\n\n` each. Everything around a text delta is made once per stream, because
 * this runs for every token. The last event's text ends with `[DONE]`. Events that are no output become the empty string.
 */
export function createChatChunks(options: ChunkOptions): (event: SequencedEvent) => string {
  const created = Math.floor(Date.now() / 1000)
  const tail = `]${options.includeUsage ? ',"usage":null' : ''}}\n\n`
  let head = ''
  const textHeads: string[] = []
  const begun = new Set<number>()
  const textTail = `},"logprobs":null,"finish_reason":null}${tail}`

  const begin = (jobId: string) => {
    const common = {
      id: `chatcmpl-${jobId}`,
      object: 'chat.completion.chunk',
      created,
      model: options.model,
      service_tier: tierOf(options.lane),
      system_fingerprint: systemFingerprint
    }
    head = `data: ${JSON.stringify(common).slice(0, -1)},"choices":[`
  }
  const choice = (index: number, delta: object, logprobs: object | null = null, finish: string | null = null) =>
    `${head}{"index":${index},"delta":${JSON.stringify(delta)},"logprobs":${JSON.stringify(logprobs)},"finish_reason":${JSON.stringify(finish)}}${tail}`

  return (event) => {
    if (head === '') begin(event.jobId)
    switch (event.type) {
      case 'text-delta': {
        if (event.logprobs !== undefined) return choice(event.index, { content: event.text }, toOpenAiLogprobs(event.logprobs))
        let textHead = textHeads[event.index]
        if (textHead === undefined) {
          textHead = `${head}{"index":${event.index},"delta":{"content":`
          textHeads[event.index] = textHead
        }
        return textHead + JSON.stringify(event.text) + textTail
      }
      case 'sequence-start':
        // A job that is run again, because its worker was lost before the first token, starts its sequences again.
        if (begun.has(event.index)) return ''
        begun.add(event.index)
        return choice(event.index, { role: 'assistant', content: '', refusal: null })
      case 'reasoning-delta':
        return choice(event.index, { reasoning_content: event.text, reasoning: event.text })
      case 'tool-call-delta': {
        const call = {
          index: event.callIndex,
          function: { ...(event.name === undefined ? {} : { name: event.name }), arguments: event.argumentsText }
        }
        return choice(event.index, { tool_calls: [event.id === undefined ? call : { ...call, id: event.id, type: 'function' }] })
      }
      case 'sequence-end':
        return choice(event.index, {}, null, toOpenAiFinish(event.finishReason))
      case 'generation-end': {
        const done = 'data: [DONE]\n\n'
        return options.includeUsage ? `${head}],"usage":${JSON.stringify(toOpenAiUsage(event.usage))}}\n\n${done}` : done
      }
      case 'warning':
        return `: warning ${event.message.replace(/[\r\n]+/g, ' ')}\n\n`
      default:
        return ''
    }
  }
}
