import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { errorReplies, jobStatuses, jsonReply, streamReply } from '../replies.ts'
import { ChatCompletionBody } from '../wire/openai-chat.ts'
import { Completion, CompletionBody } from '../wire/openai-completions.ts'
import { EmbeddingsBody, EmbeddingsReply } from '../wire/openai-embeddings.ts'
import { isServable, OpenAiModel, OpenAiModelList, toOpenAiModel } from '../wire/openai-models.ts'
import { ChatCompletion } from '../wire/openai-reply.ts'
import { chatCompletions } from './chat-completions.ts'
import { completions } from './completions.ts'
import type { RouteContext } from './context.ts'
import { embeddings } from './embeddings.ts'

/** The part of OpenAI's API that its clients use most, under `/v1`. */
export function registerOpenAi(app: FastifyInstance, context: RouteContext): void {
  const { services } = context

  app.post(
    '/v1/chat/completions',
    {
      schema: {
        summary: 'Chat',
        tags: ['OpenAI'],
        body: ChatCompletionBody,
        response: {
          200: streamReply('The answer; with "stream": true its chunks', ChatCompletion),
          ...errorReplies('POST', '/v1/chat/completions', jobStatuses)
        }
      }
    },
    (request, reply) => chatCompletions(context, request, reply)
  )

  app.post(
    '/v1/completions',
    {
      schema: {
        summary: 'Continue a text',
        tags: ['OpenAI'],
        body: CompletionBody,
        response: {
          200: streamReply('The continuation; with "stream": true its chunks', Completion),
          ...errorReplies('POST', '/v1/completions', jobStatuses)
        }
      }
    },
    (request, reply) => completions(context, request, reply)
  )

  app.post(
    '/v1/embeddings',
    {
      schema: {
        summary: 'Texts to vectors',
        tags: ['OpenAI'],
        body: EmbeddingsBody,
        response: { 200: jsonReply('A vector for each text', EmbeddingsReply), ...errorReplies('POST', '/v1/embeddings', jobStatuses) }
      }
    },
    (request, reply) => embeddings(context, request, reply)
  )

  app.get(
    '/v1/models',
    {
      schema: {
        summary: 'Models that can be used now',
        tags: ['OpenAI'],
        response: { 200: jsonReply('The models', OpenAiModelList), ...errorReplies('GET', '/v1/models') }
      }
    },
    () => ({ object: 'list', data: services.models.list().filter(isServable).map(toOpenAiModel) })
  )

  app.get<{ Params: { id: string } }>(
    '/v1/models/:id',
    {
      schema: {
        summary: 'One model, by id or alias',
        tags: ['OpenAI'],
        params: z.object({ id: z.string().min(1).max(256) }),
        response: { 200: jsonReply('The model', OpenAiModel), ...errorReplies('GET', '/v1/models/:id', [404]) }
      }
    },
    (request) => toOpenAiModel(services.models.resolve(request.params.id))
  )
}
