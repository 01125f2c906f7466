import type { FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { PlanRecord } from '#contracts/plan.ts'
import { isFinal, type PlanReply, type PlanSubmission } from '#contracts/plan-api.ts'
import { AppError } from '../../errors.ts'
import type { Readers } from '../readers.ts'
import type { HttpServices } from '../services.ts'
import type { RouteContext } from './context.ts'

/**
 * `POST /outpost/plans`. Answers when the plan has ended, whatever way, or with 202 as soon as it is on record. A client that leaves does not
 * end it. What cannot be planned is an error, and stays on record under the id in `x-outpost-plan-id`.
 */
export async function runPlan(
  { services, readers }: RouteContext,
  request: FastifyRequest,
  reply: FastifyReply,
  project: string
): Promise<FastifyReply> {
  const { async: isAsync, ...order } = request.body as PlanSubmission // The route's schema parsed it.
  const accepted = Promise.withResolvers<string>()
  const planned = services.plans.run(project, request.client.id, order, request.id, (id) => {
    reply.header('x-outpost-plan-id', id)
    accepted.resolve(id)
  })
  // Whether nobody waits for it any more, or the error below does: how the planning ends is on record.
  planned.catch(() => {})
  // It rejects before it accepts when the order itself is at fault.
  const id = await Promise.race([accepted.promise, planned.then((record) => record.id)])
  if (isAsync) return answer(reply.code(202), services.plans.plans.inspect(project, id).record)
  await planned
  return answer(reply, await ended(services, readers, { project, id, clientId: request.client.id }, reply))
}

function answer(reply: FastifyReply, plan: PlanRecord): FastifyReply {
  return reply.send({ plan } satisfies z.output<typeof PlanReply>)
}

/** Resolves with the record once it is final. Rejects when the server stops, the key is revoked or the client leaves; the plan goes on. */
function ended(
  { plans }: HttpServices,
  readers: Readers,
  { project, id, clientId }: { project: string; id: string; clientId: string },
  reply: FastifyReply
): Promise<PlanRecord> {
  return new Promise((resolve, reject) => {
    const reader = { clientId, cut: (_reason: string, error: AppError) => stop(() => reject(error)) }
    const onClose = () => stop(() => reject(new AppError('client_gone', 'the client closed the connection')))
    let unfollow: (() => void) | undefined
    let isOver = false
    const stop = (settle: () => void) => {
      if (isOver) return
      isOver = true
      readers.remove(reader)
      reply.raw.off('close', onClose)
      unfollow?.()
      settle()
    }
    readers.add(reader)
    reply.raw.once('close', onClose)
    try {
      unfollow = plans.plans.follow(project, id, (news) => {
        for (const item of news) if (item.type === 'status' && isFinal(item.record.status)) stop(() => resolve(item.record))
      })
      // It may have told everything before it was known how to stop it.
      if (isOver) unfollow()
    } catch (error) {
      stop(() => reject(error))
    }
  })
}
