import type { FastifyReply, FastifyRequest } from 'fastify'
import { collectJob } from '../collect-job.ts'
import { ReplyStream } from '../reply-stream.ts'
import type { Submission } from '../services.ts'
import { createStreamListener, startStream } from '../stream-jobs.ts'
import { toErrorBody } from '../wire/error-body.ts'
import { laneFor } from '../wire/fields.ts'
import { type ChatCompletionBody, toChatRequest } from '../wire/openai-chat.ts'
import { createChatChunks } from '../wire/openai-chat-stream.ts'
import { type ChatCompletion, createAnswers, toChatCompletion } from '../wire/openai-reply.ts'
import { type RouteContext, resolveModel, setJobHeaders, submissionOf } from './context.ts'

/** `POST /v1/chat/completions`, streamed or in one piece. */
export async function chatCompletions(context: RouteContext, request: FastifyRequest, reply: FastifyReply): Promise<ChatCompletion | undefined> {
  const body = request.body as ChatCompletionBody // The route's schema parsed it.
  const model = resolveModel(context.services, body.model, 'chat')
  const lane = laneFor(request.client, body.service_tier)
  const submission: Submission = { ...submissionOf(request, { lane, priority: body.priority }), kind: 'chat', request: toChatRequest(body, model.id) }
  if (body.stream === true) {
    const chunk = createChatChunks({ model: model.id, lane, includeUsage: body.stream_options?.include_usage === true })
    const stream = openAiStream(context, reply, request.client.id)
    const listener = createStreamListener(stream, { chunk, end: chunk })
    await startStream(stream, async () => stream.attach(await context.services.jobs.submit(submission, listener)))
    return undefined
  }
  const { add, result } = createAnswers()
  const { queueMs } = await collectJob({ ...context, reply, submission, onEvent: add })
  setJobHeaders(reply, { queueMs, cachedTokens: result.usage.cachedTokens, warnings: result.warnings })
  return toChatCompletion(result, { model: model.id, lane, logprobs: body.logprobs === true })
}

/** A stream whose errors are OpenAI's: an event with `error`, and no `[DONE]` after it. */
export function openAiStream(context: RouteContext, reply: FastifyReply, clientId: string): ReplyStream {
  return new ReplyStream({ reply, readers: context.readers, clientId, errorText: (error) => `data: ${JSON.stringify(toErrorBody(error))}\n\n` })
}
