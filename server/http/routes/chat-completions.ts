import type { FastifyReply, FastifyRequest } from 'fastify'
import type { SequencedEvent } from '#contracts/event.ts'
import { cancelledError, collectJob } from '../collect-job.ts'
import { ReplyStream } from '../reply-stream.ts'
import type { Submission } from '../services.ts'
import { fromErrorEvent, toErrorBody } from '../wire/error-body.ts'
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
    const chunks = createChatChunks({ model: model.id, lane, includeUsage: body.stream_options?.include_usage === true })
    await streamJob(context, reply, submission, chunks)
    return undefined
  }
  const { add, result } = createAnswers()
  const { queueMs } = await collectJob({ ...context, reply, submission, onEvent: add })
  setJobHeaders(reply, { queueMs, cachedTokens: result.usage.cachedTokens, warnings: result.warnings })
  return toChatCompletion(result, { model: model.id, lane, logprobs: body.logprobs === true })
}

/** Streams one job in OpenAI's way; what fails before the first output is thrown. */
export async function streamJob(
  context: RouteContext,
  reply: FastifyReply,
  submission: Submission,
  chunks: (event: SequencedEvent) => string
): Promise<void> {
  const stream = openAiStream(context, reply, submission.client.id)
  let cancelled = false
  const listener = (events: SequencedEvent[]) => {
    let text = ''
    for (const event of events) {
      switch (event.type) {
        case 'job-queued':
        case 'model-load':
          stream.wait(event)
          continue
        case 'generation-start':
          stream.running()
          continue
        case 'error':
          stream.write(text)
          stream.fail(fromErrorEvent(event))
          return
        case 'sequence-end':
          if (event.finishReason === 'cancelled') {
            cancelled = true
            continue
          }
          break
        case 'generation-end':
          if (cancelled) {
            stream.write(text)
            stream.fail(cancelledError())
          } else stream.end(text + chunks(event))
          return
      }
      text += chunks(event)
    }
    stream.write(text)
  }
  try {
    stream.attach(await context.services.jobs.submit(submission, listener))
    await stream.ready
  } catch (error) {
    stream.discard()
    throw error
  }
  stream.start()
}

/** A stream whose errors are OpenAI's: an event with `error`, and no `[DONE]` after it. */
export function openAiStream(context: RouteContext, reply: FastifyReply, clientId: string): ReplyStream {
  return new ReplyStream({ reply, readers: context.readers, clientId, errorText: (error) => `data: ${JSON.stringify(toErrorBody(error))}\n\n` })
}
