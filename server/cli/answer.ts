import type { z } from 'zod'
import type { ChatSubmission } from '#contracts/api.ts'
import type { FinishReason, JobEvent, Usage } from '#contracts/event.ts'
import { AppError } from '../errors.ts'
import type { Client } from './client.ts'
import { inTime } from './terminal.ts'

/** One streamed answer, as it was read. Milliseconds from the moment it was asked for. */
export type Answer = {
  text: string
  finishReason: FinishReason | null
  usage: Usage | null
  firstTokenMs: number | null
  totalMs: number
  /** After the first token; null where there was no second one. */
  tokensPerSecond: number | null
}

export type AnswerListener = {
  text(delta: string): void
  reasoning?(delta: string): void
  /** Where the request stands, in words. */
  waiting?(how: string): void
  warning?(message: string): void
}

/**
 * Asks for one answer and reads it to its end. The signal stops it: what came so far is the answer then, with `cancelled` as its reason.
 * Throws what the server answered instead.
 */
export async function readAnswer(
  client: Client,
  body: z.input<typeof ChatSubmission>,
  listener: AnswerListener,
  signal?: AbortSignal
): Promise<Answer> {
  const startedAt = performance.now()
  const answer: Answer = { text: '', finishReason: null, usage: null, firstTokenMs: null, totalMs: 0, tokensPerSecond: null }
  const since = () => Math.round(performance.now() - startedAt)
  try {
    for await (const event of client.events('chat', { body }, signal)) {
      if (event.type === 'text-delta' || event.type === 'reasoning-delta') answer.firstTokenMs ??= since()
      apply(event, answer, listener)
    }
  } catch (error) {
    if (signal?.aborted !== true) throw error
    answer.finishReason = 'cancelled'
  }
  answer.totalMs = since()
  return answer
}

function apply(event: JobEvent, answer: Answer, listener: AnswerListener): void {
  switch (event.type) {
    case 'text-delta':
      answer.text += event.text
      listener.text(event.text)
      break
    case 'reasoning-delta':
      listener.reasoning?.(event.text)
      break
    case 'sequence-end':
      answer.finishReason = event.finishReason
      break
    case 'generation-end': {
      const { usage, timings } = event
      answer.usage = usage
      if (usage.completionTokens > 1 && timings.generationMs > 0)
        answer.tokensPerSecond = Math.round(((usage.completionTokens - 1) / timings.generationMs) * 10_000) / 10
      break
    }
    case 'error':
      throw new AppError(event.code, event.message)
    case 'warning':
      listener.warning?.(event.message)
      break
    case 'job-queued':
    case 'model-load':
      listener.waiting?.(waitingText(event))
      break
  }
}

/** `3rd in line, about 12 s` */
export function waitingText(event: Extract<JobEvent, { type: 'job-queued' | 'model-load' }>): string {
  if (event.type === 'model-load') return `loading ${event.percent} %`
  return `${ordinal(event.position)} in line${event.etaMs === null ? '' : `, about ${inTime(event.etaMs)}`}`
}

/** `42 tokens, 105 tokens/s, first after 0.12 s` */
export function speedText({ usage, tokensPerSecond, firstTokenMs }: Answer): string {
  return [
    ...(usage === null ? [] : [`${usage.completionTokens} tokens`]),
    ...(tokensPerSecond === null ? [] : [`${tokensPerSecond < 10 ? tokensPerSecond : Math.round(tokensPerSecond)} tokens/s`]),
    ...(firstTokenMs === null ? [] : [`first after ${(firstTokenMs / 1000).toFixed(2)} s`])
  ].join(', ')
}

function ordinal(count: number): string {
  const ending = ['th', 'st', 'nd', 'rd'][count % 100 > 10 && count % 100 < 14 ? 0 : count % 10] ?? 'th'
  return `${count}${ending}`
}
