import { toAppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { Embed } from '../planning/planner.ts'

/**
 * `embed` that answers undefined where it fails: a model that is down, or a text longer than its window, makes the answers of cache and grounding
 * poorer, and must not make planning fail. Only an abort still rejects.
 */
export function optionalEmbedding(embed: Embed, log: Log): Embed {
  return async (texts, signal) => {
    try {
      return await embed(texts, signal)
    } catch (error) {
      signal?.throwIfAborted()
      const { code, message } = toAppError(error)
      log.warn({ code, reason: message, texts: texts.length }, 'texts could not be embedded')
      return undefined
    }
  }
}
