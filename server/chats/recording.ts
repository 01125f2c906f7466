import type { ToolCall } from '#contracts/chat.ts'
import type { ChatMessage, ChatTimings, MessageState } from '#contracts/chats.ts'
import type { SequencedEvent } from '#contracts/event.ts'
import type { MessageChange } from '../store/chat-messages.ts'

/** An answer as its events make it. */
export type Recording = {
  /** Takes the events of one tick in. True: the answer has ended. */
  hear(events: readonly SequencedEvent[]): boolean
  /** What the message is now. */
  toChange(): MessageChange
}

/** Ends that are nobody's wish: what came is kept, and it may be asked for again. */
const interruptions = new Set(['worker_lost', 'shutting_down', 'queue_unavailable'])

/**
 * `askedAt`: of `performance.now()`; undefined when somebody else asked, before a restart: then `known` is what was measured by then.
 */
export function createRecording(options: { askedAt?: number; known?: ChatTimings | null }): Recording {
  let text = ''
  let reasoning = ''
  let calls: ToolCall[] = []
  let state: MessageState = 'generating'
  let seq = -1
  let finishReason: ChatMessage['finishReason'] = null
  let error: ChatMessage['error'] = null
  let usage: ChatMessage['usage'] = null
  let timings: ChatTimings = options.known ?? { firstTokenMs: null, promptMs: null, generationMs: null, tokensPerSecond: null, reasoningMs: null }
  let thinkingSince: number | undefined

  const firstToken = () => {
    if (options.askedAt !== undefined && timings.firstTokenMs === null)
      timings = { ...timings, firstTokenMs: Math.round(performance.now() - options.askedAt) }
  }
  const take = (event: SequencedEvent): void => {
    if (event.seq >= 0) seq = event.seq
    switch (event.type) {
      case 'generation-start':
        // A run that sent nothing may be followed by another one.
        text = ''
        reasoning = ''
        calls = []
        break
      case 'reasoning-delta':
        firstToken()
        thinkingSince ??= performance.now()
        reasoning += event.text
        break
      case 'text-delta':
        firstToken()
        if (thinkingSince !== undefined && timings.reasoningMs === null && options.askedAt !== undefined)
          timings = { ...timings, reasoningMs: Math.round(performance.now() - thinkingSince) }
        text += event.text
        break
      case 'tool-call-delta': {
        firstToken()
        const call = calls[event.callIndex] ?? { id: event.id ?? '', name: event.name ?? '', arguments: '' }
        calls[event.callIndex] = { ...call, arguments: call.arguments + event.argumentsText }
        break
      }
      case 'sequence-end':
        finishReason = event.finishReason
        break
      case 'generation-end': {
        usage = event.usage
        const { promptMs, generationMs } = event.timings
        const { completionTokens } = event.usage
        const tokensPerSecond = completionTokens > 1 && generationMs > 0 ? Math.round(((completionTokens - 1) / generationMs) * 10_000) / 10 : null
        timings = { ...timings, promptMs, generationMs, tokensPerSecond }
        state = finishReason === 'cancelled' ? 'stopped' : 'complete'
        break
      }
      case 'error':
        if (event.code === 'cancelled') {
          state = 'stopped'
          break
        }
        state = interruptions.has(event.code) ? 'interrupted' : 'failed'
        error = { code: event.code, message: event.message }
        break
    }
  }

  return {
    hear(events) {
      for (const event of events) take(event)
      return state !== 'generating'
    },
    toChange: () => ({
      text,
      reasoning: reasoning === '' ? null : reasoning,
      toolCalls: calls,
      state,
      seq: state === 'generating' ? seq : null,
      finishReason,
      error,
      usage,
      timings
    })
  }
}
