import { z } from 'zod'
import { ModelKind, ModelState, type ModelStatus } from '#contracts/model.ts'

/** OpenAI's model object, with what this server knows beyond it. */
export const OpenAiModel = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.string(),
  name: z.string(),
  kind: ModelKind,
  state: ModelState,
  context_window: z.int()
})
export type OpenAiModel = z.infer<typeof OpenAiModel>
export const OpenAiModelList = z.object({ object: z.literal('list'), data: z.array(OpenAiModel) })

export function toOpenAiModel(model: ModelStatus): OpenAiModel {
  return {
    id: model.id,
    object: 'model',
    created: Math.floor(model.createdAt / 1000),
    owned_by: 'outpost',
    name: model.name,
    kind: model.kind,
    state: model.state,
    context_window: model.contextWindow
  }
}

/** Models a request can be sent to: those whose weights are here. */
export function isServable(model: ModelStatus): boolean {
  return model.state !== 'absent' && model.state !== 'pulling' && model.state !== 'unsupported'
}
