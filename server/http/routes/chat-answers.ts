import type { FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { ChatMessage, CompareOrder, Conversation, GenerateOrder } from '#contracts/chats.ts'
import type { FollowQuery } from '#contracts/chats-api.ts'
import { AppError, toAppError } from '../../errors.ts'
import { boundedLane } from '../../queue/lanes.ts'
import type { AnswerOrder, StoredChat } from '../services.ts'
import { startStream } from '../stream-jobs.ts'
import { type RouteContext, resolveModel } from './context.ts'
import { eventStream, followJob, passOn } from './outpost-jobs.ts'

/** `POST /outpost/chats/:id/generate`. */
export async function generateAnswer(context: RouteContext, request: FastifyRequest, reply: FastifyReply, chat: StoredChat): Promise<void> {
  const order = request.body as GenerateOrder // The route's schema parsed it.
  const prepared = prepare(context, request, chat, order)
  const [model] = modelsOf(context, [order.model ?? chat.conversation.settings.model])
  if (model === undefined) return
  const stream = eventStream(context, reply)
  await startStream(stream, async () => {
    const { message, handle } = await context.services.chats.generations.start({ ...prepared, model, listener: passOn(stream) })
    reply.header('x-outpost-message-id', message.id)
    stream.attach(handle)
  })
}

/** `POST /outpost/chats/:id/compare`. One that the queue does not take stands beside the others as failed; when it takes none, nothing is written. */
export async function compareAnswers(context: RouteContext, request: FastifyRequest, reply: FastifyReply, chat: StoredChat): Promise<FastifyReply> {
  const order = request.body as CompareOrder // The route's schema parsed it.
  const prepared = prepare(context, request, chat, order)
  const { generations, messages, chats } = context.services.chats
  const started: ChatMessage[] = []
  const refused: { model: AnswerOrder['model']; error: AppError }[] = []
  for (const model of modelsOf(context, order.models)) {
    try {
      const now = chats.byNumber(chat.number)
      started.push((await generations.start({ ...prepared, chat: now, model, activate: started.length === 0 })).message)
    } catch (error) {
      refused.push({ model, error: toAppError(error) })
    }
  }
  if (started.length === 0 && refused[0] !== undefined) throw refused[0].error
  for (const { model, error } of refused) {
    const { code, message } = error
    const written = messages.add(chats.byNumber(chat.number), {
      parent: prepared.parent.number,
      role: 'assistant',
      content: [],
      activate: false,
      state: 'failed',
      model: model.id,
      error: { code, message }
    })
    started.push(written.message)
  }
  const conversation: Conversation = chats.byNumber(chat.number).conversation
  return reply.code(202).send({ conversation, messages: started.map(({ id }) => messages.find(chat, id).message) })
}

/** `GET /outpost/chats/:id/generate/events`: 204 when nothing comes any more, as for every job. */
export async function followAnswer(
  context: RouteContext,
  request: FastifyRequest,
  reply: FastifyReply,
  chat: StoredChat
): Promise<FastifyReply | undefined> {
  const { message: id } = request.query as z.output<typeof FollowQuery>
  const { messages } = context.services.chats
  const jobId = id === undefined ? (messages.generating(chat).at(-1)?.jobId ?? null) : messages.find(chat, id).message.jobId
  if (jobId === null) return reply.code(204).send()
  try {
    return await followJob(context, request, reply, jobId)
  } catch (error) {
    // Its events are kept for two minutes; the message itself says how it ended.
    if (error instanceof AppError && error.code === 'not_found') return reply.code(204).send()
    throw error
  }
}

/** `POST /outpost/chats/:id/stop`. */
export async function stopAnswer(context: RouteContext, request: FastifyRequest, chat: StoredChat): Promise<{ stopped: number }> {
  const { messageId } = request.body as { messageId?: string } // The route's schema parsed it.
  const { generations, messages } = context.services.chats
  if (messageId !== undefined) messages.find(chat, messageId)
  return { stopped: await generations.stop(chat, messageId) }
}

/** What is answered, and how. */
function prepare(
  { services }: RouteContext,
  request: FastifyRequest,
  chat: StoredChat,
  order: Pick<GenerateOrder, 'messageId' | 'systemPrompt' | 'generation' | 'reasoning'>
): Omit<AnswerOrder, 'model'> {
  const { messages } = services.chats
  const asked =
    order.messageId === undefined ? (chat.active === null ? undefined : messages.byNumber(chat.active)) : messages.find(chat, order.messageId)
  const parentNumber = asked?.message.role === 'assistant' ? asked.parent : (asked?.number ?? null)
  if (parentNumber === null) throw new AppError('invalid_request', 'there is no message to answer: write one first', { param: 'messageId' })
  const { settings } = chat.conversation
  return {
    client: request.client,
    requestId: request.id,
    // Somebody sits in front of it.
    lane: boundedLane('interactive', request.client.lane),
    chat,
    parent: messages.byNumber(parentNumber),
    settings: {
      systemPrompt: order.systemPrompt ?? settings.systemPrompt,
      generation: { ...settings.generation, ...order.generation },
      reasoning: order.reasoning ?? settings.reasoning
    }
  }
}

/** All of them, before anything is begun. */
function modelsOf({ services }: RouteContext, names: readonly (string | null)[]): AnswerOrder['model'][] {
  return names.map((name) => {
    if (name === null) throw new AppError('invalid_request', 'model is required: the conversation has none of its own', { param: 'model' })
    const { id, contextWindow } = resolveModel(services, name, 'chat')
    return { id, contextWindow }
  })
}
