import type { SequencedEvent, Usage } from '#contracts/event.ts'
import { toCompletionLogprobs } from './openai-completions.ts'
import { systemFingerprint } from './openai-reply.ts'
import { toOpenAiFinish, toOpenAiUsage } from './openai-usage.ts'

/** Events of the job of one prompt → chunk texts. `firstIndex` is the index of its first answer among all answers of the request. */
export function createCompletionChunks(options: {
  id: string
  model: string
  includeUsage: boolean
  firstIndex: number
  /** The prompt, to be sent before the answer. */
  echo: string | undefined
}): (event: SequencedEvent) => string {
  const common = {
    id: `cmpl-${options.id}`,
    object: 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model: options.model,
    system_fingerprint: systemFingerprint
  }
  const head = `data: ${JSON.stringify(common).slice(0, -1)},"choices":[`
  const tail = `]${options.includeUsage ? ',"usage":null' : ''}}\n\n`
  const offsets: number[] = []
  const choice = (index: number, text: string, logprobs: object | null, finish: string | null) =>
    `${head}{"index":${options.firstIndex + index},"text":${JSON.stringify(text)},"logprobs":${JSON.stringify(logprobs)},"finish_reason":${JSON.stringify(finish)}}${tail}`

  return (event) => {
    switch (event.type) {
      case 'sequence-start':
        return options.echo === undefined ? '' : choice(event.index, options.echo, null, null)
      case 'text-delta': {
        const offset = offsets[event.index] ?? 0
        offsets[event.index] = offset + event.text.length
        return choice(event.index, event.text, event.logprobs === undefined ? null : toCompletionLogprobs(event.logprobs, offset), null)
      }
      case 'sequence-end':
        return choice(event.index, '', null, toOpenAiFinish(event.finishReason))
      case 'warning':
        return `: warning ${event.message.replace(/[\r\n]+/g, ' ')}\n\n`
      default:
        return ''
    }
  }
}

/** The end of a streamed completion, once all its jobs have ended. */
export function completionEnd(options: { id: string; model: string; usage: Usage; includeUsage: boolean }): string {
  const done = 'data: [DONE]\n\n'
  if (!options.includeUsage) return done
  const chunk = {
    id: `cmpl-${options.id}`,
    object: 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model: options.model,
    system_fingerprint: systemFingerprint,
    choices: [],
    usage: toOpenAiUsage(options.usage)
  }
  return `data: ${JSON.stringify(chunk)}\n\n${done}`
}
