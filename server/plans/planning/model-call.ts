import type { JsonSchema } from '#contracts/chat.ts'
import type { PlanningAttempt } from '#contracts/plan.ts'
import type { Completion, PlanningModel, PlanningRequest } from './planner.ts'

/** An answer of the model. `note` says what the checks found in it, so that the attempt can be told; call it once. */
export type Answered = Completion & { note(findings: readonly string[]): void }

export type Ask = (call: {
  phase: PlanningAttempt['phase']
  system: string
  user: string
  schema: JsonSchema
  maxTokens: number
}) => Promise<Answered>

/** Tokens a reasoning model may think in each call. */
const thinkingTokens = 2048

/** Asks the model for one attempt, and tells the request's listeners of each call exactly as it went. */
export function createAsk(options: { model: PlanningModel; request: PlanningRequest; attempt: number; signal: AbortSignal }): Ask {
  const { model, request, attempt, signal } = options
  return async ({ phase, system, user, schema, maxTokens }) => {
    const at = Date.now()
    request.onProgress?.({ type: 'attempt', attempt, phase })
    const completion = await model.complete(
      {
        system,
        user,
        schema,
        maxTokens,
        thinkingTokens,
        clientId: request.clientId,
        requestId: request.requestId,
        ...(request.onProgress === undefined ? {} : { onProgress: request.onProgress })
      },
      signal
    )
    const ms = Date.now() - at
    return {
      ...completion,
      note(findings) {
        request.onAttempt?.({
          attempt,
          phase,
          model: completion.model,
          prompt: `${system}\n\n${user}`,
          answer: completion.text,
          reasoning: completion.reasoning,
          findings: [...findings],
          promptTokens: completion.promptTokens,
          completionTokens: completion.completionTokens,
          ms,
          at
        })
      }
    }
  }
}
