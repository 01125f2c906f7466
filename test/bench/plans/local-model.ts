import { ChatRequest } from '#contracts/chat.ts'
import type { Engine } from '../../../server/engines/engine.ts'
import type { Completion, PlanningModel } from '../../../server/plans/planning/planner.ts'
import { isSmallModel } from '../../../server/queued-model.ts'

/** Plans with a loaded engine of so many bytes, without queue and server. `grammar`: whether the plan's schema is enforced while generating. */
export function createLocalModel(engine: Engine, { bytes, grammar }: { bytes: number; grammar: boolean }): PlanningModel {
  const model = {
    grammar,
    isSmall: () => isSmallModel(bytes),
    contextWindow: () => engine.description.contextWindow,
    async complete(order: Parameters<PlanningModel['complete']>[0], signal: AbortSignal): Promise<Completion> {
      const request = ChatRequest.parse({
        model: engine.id,
        messages: [
          { role: 'system', content: order.system },
          { role: 'user', content: order.user }
        ],
        generation: {
          temperature: 0,
          maxTokens: order.maxTokens,
          ...(grammar ? { responseFormat: { type: 'json-schema', schema: order.schema } } : {})
        },
        features: { reasoning: true }
      })
      const completion: Completion = { text: '', reasoning: '', model: engine.id, promptTokens: 0, completionTokens: 0, finishReason: 'stop' }
      for await (const event of engine.chat(request, signal)) {
        if (event.type === 'text-delta') completion.text += event.text
        else if (event.type === 'reasoning-delta') completion.reasoning += event.text
        else if (event.type === 'sequence-end') completion.finishReason = event.finishReason === 'length' ? 'length' : 'stop'
        else if (event.type === 'generation-end') {
          completion.promptTokens = event.usage.promptTokens
          completion.completionTokens = event.usage.completionTokens
        }
      }
      signal.throwIfAborted()
      return completion
    }
  }
  return model
}
