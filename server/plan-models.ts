import { z } from 'zod'
import type { ModelStatus } from '#contracts/model.ts'
import type { Config } from './config.ts'
import { AppError } from './errors.ts'
import type { Log } from './log.ts'
import { createEndpointClient, type EndpointClient, EndpointRefusal } from './model-endpoint.ts'
import { cutReasoning } from './plans/planning/answer-text.ts'
import type { Completion, CompletionOrder, Embed, PlanningModel } from './plans/planning/planner.ts'
import { planningTemperature } from './plans/planning/temperature.ts'
import { createQueuedEmbed, createQueuedModel, type Submit } from './queued-model.ts'

export type PlanModels = { planning: PlanningModel; embed: Embed }

/**
 * The models of the plan engine: ours, through the queue, or those of an endpoint that the settings name. Throws `policy_denied` for an endpoint that the air gap shuts out,
 * and `model_not_found` for a local one that nobody knows.
 */
export function createPlanModels(options: {
  config: Pick<Config, 'airGap' | 'planModel' | 'planEndpoint' | 'embeddingEndpoint'>
  submit: Submit
  /** Throws `model_not_found`. */
  models: { resolve(name: string): ModelStatus }
  /** The server's default models. */
  wanted: { chat: string; embedding: string }
  log: Log
}): PlanModels {
  const { config, submit, models, wanted, log } = options
  const { airGap, planEndpoint, embeddingEndpoint } = config
  const local = config.planModel ?? wanted.chat
  if (planEndpoint === undefined) refuseUnfit(models, local)
  return {
    planning:
      planEndpoint === undefined
        ? createQueuedModel({ submit, model: () => models.resolve(local) })
        : createEndpointModel(createEndpointClient({ endpoint: planEndpoint, airGap, variable: 'LLM_API_BASE_URL' }), log),
    embed:
      embeddingEndpoint === undefined
        ? createQueuedEmbed({ submit, model: () => readyEmbedding(models, wanted.embedding) })
        : createEndpointEmbed(createEndpointClient({ endpoint: embeddingEndpoint, airGap, variable: 'EMBEDDINGS_API_BASE_URL' }))
  }
}

function refuseUnfit(models: { resolve(name: string): ModelStatus }, name: string): void {
  const { id, kind } = models.resolve(name)
  if (kind !== 'chat')
    throw new AppError('invalid_request', `OUTPOST_PLAN_MODEL: ${id} is a model of kind ${kind} and cannot plan; name a chat model`)
}

/** Weights that are not here are no reason to fail, and none to wait for. */
function readyEmbedding(models: { resolve(name: string): ModelStatus }, name: string): string | undefined {
  const { id, kind, state } = models.resolve(name)
  return kind === 'embedding' && (state === 'ready' || state === 'present' || state === 'loading') ? id : undefined
}

const ChatAnswer = z.object({
  model: z.string().optional(),
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullish(),
        message: z.object({ content: z.string().nullish(), reasoning_content: z.string().nullish(), reasoning: z.string().nullish() })
      })
    )
    .min(1),
  usage: z.object({ prompt_tokens: z.number().catch(0), completion_tokens: z.number().catch(0) }).nullish()
})

/** Asks an endpoint in one user message, as models take it that know no system message. What it does not take is left out from then on. */
function createEndpointModel(client: EndpointClient, log: Log): PlanningModel {
  let takes: 'everything' | 'no schema' | 'the least' = 'everything'

  return { grammar: false, complete }

  async function complete(order: CompletionOrder, signal: AbortSignal): Promise<Completion> {
    const tokens = order.maxTokens + (order.thinkingTokens ?? 0)
    const body = {
      model: client.model,
      messages: [{ role: 'user', content: `${order.system}\n\n${order.user}` }],
      temperature: planningTemperature(client.model),
      ...(takes === 'the least' ? {} : { max_tokens: tokens }),
      ...(takes === 'everything' ? { response_format: { type: 'json_schema', json_schema: { name: 'plan', schema: order.schema } } } : {})
    }
    try {
      return toCompletion(await client.post('chat/completions', body, signal), client.model)
    } catch (error) {
      if (!(error instanceof EndpointRefusal)) throw error
      if (/context.{0,3}(length|window|size)|maximum.{0,10}context|too many tokens/i.test(error.message)) {
        throw new AppError('context_length_exceeded', error.message, { cause: error })
      }
      if (error.status === 404 || takes === 'the least') throw new AppError('engine_failed', `LLM_API_BASE_URL: ${error.message}`, { cause: error })
      takes = takes === 'everything' ? 'no schema' : 'the least'
      log.info({ status: error.status, takes }, 'the planning endpoint is asked for less')
      return await complete(order, signal)
    }
  }
}

function toCompletion(answer: unknown, asked: string): Completion {
  const parsed = ChatAnswer.safeParse(answer)
  const choice = parsed.data?.choices[0]
  if (!parsed.success || choice === undefined) {
    throw new AppError(
      'engine_failed',
      `LLM_API_BASE_URL: the endpoint's answer has no choices[0].message: see that it speaks OpenAI's chat completions`
    )
  }
  const { message, finish_reason } = choice
  const { answer: text, reasoning } = cutReasoning(message.content ?? '')
  return {
    text,
    reasoning: message.reasoning_content ?? message.reasoning ?? reasoning,
    model: parsed.data.model ?? asked,
    promptTokens: parsed.data.usage?.prompt_tokens ?? 0,
    completionTokens: parsed.data.usage?.completion_tokens ?? 0,
    finishReason: finish_reason === 'length' ? 'length' : 'stop'
  }
}

const EmbeddingsAnswer = z.object({ data: z.array(z.object({ index: z.int().optional(), embedding: z.array(z.number()).min(1) })) })
/** Texts that every endpoint takes at once. */
const mostTexts = 256

function createEndpointEmbed(client: EndpointClient): Embed {
  return async (texts, signal = new AbortController().signal) => {
    const vectors: Float32Array[] = []
    for (let from = 0; from < texts.length; from += mostTexts) {
      const input = texts.slice(from, from + mostTexts)
      const answer = EmbeddingsAnswer.safeParse(await post(client, { model: client.model, input }, signal))
      if (!answer.success || answer.data.data.length !== input.length) {
        throw new AppError('engine_failed', `EMBEDDINGS_API_BASE_URL: the endpoint's answer does not have ${input.length} embeddings`)
      }
      for (const [place, { index, embedding }] of answer.data.data.entries()) vectors[from + (index ?? place)] = toUnit(embedding)
    }
    return vectors
  }
}

async function post(client: EndpointClient, body: object, signal: AbortSignal): Promise<unknown> {
  try {
    return await client.post('embeddings', body, signal)
  } catch (error) {
    if (!(error instanceof EndpointRefusal)) throw error
    throw new AppError('engine_failed', `EMBEDDINGS_API_BASE_URL: ${error.message}`, { cause: error })
  }
}

function toUnit(values: readonly number[]): Float32Array {
  const length = Math.hypot(...values)
  return Float32Array.from(values, (value) => (length === 0 ? 0 : value / length))
}
