import type { Log } from '../../log.ts'
import type { Instance, Instances } from './instances.ts'
import type { Sendings } from './sendings.ts'
import { toAnswer } from './service-answer.ts'
import type { ServiceHostEvents, TaskMessage } from './service-host.ts'
import { readServiceMessage, type ServiceMessage } from './service-message.ts'

export type Inbox = {
  /** Takes one message. Gives back the id to be acknowledged; undefined: nothing is to be, as it could not be read or not be handled. */
  receive(instance: Instance, text: string): string | number | undefined
}

/** Reads what services send, and hands on what they were asked for. */
export function createInbox(options: { instances: Instances; sendings: Sendings; onMessage: ServiceHostEvents['onMessage']; log: Log }): Inbox {
  const { instances, sendings, log } = options

  /** Once for each connection; one that goes on and on must not fill the log. */
  function complain(instance: Instance, problem: string): void {
    const level = instance.complaints.has(problem) ? 'debug' : 'warn'
    instance.complaints.add(problem)
    log[level]({ serviceId: instance.serviceId, keyId: instance.keyId }, problem)
  }

  function take(instance: Instance, message: ServiceMessage): void {
    const { serviceId } = instance
    const { executionId, idempotencyKey } = message.payload
    if (executionId === undefined || idempotencyKey === undefined) {
      complain(instance, 'a service sent a message that belongs to no task')
      return
    }
    const sending = sendings.find(executionId)
    const work = sendings.newestOf(idempotencyKey)
    const mine = sending === undefined || (sending.serviceId === serviceId && sending.idempotencyKey === idempotencyKey)
    if (!mine || (work !== undefined && work.serviceId !== serviceId)) {
      complain(instance, 'a service answered what it was not asked')
      return
    }
    const answer = toAnswer(message, sending?.kind)
    if (answer === undefined) {
      complain(instance, message.problem === undefined ? 'a service sent a kind of message that is not known' : 'an update of a service is too large')
      return
    }
    // A failure ends the work of the one who failed; a result ends it for all who were given it.
    if (answer.type === 'failed') instance.inHand.delete(idempotencyKey)
    else if (answer.type !== 'accepted' && answer.type !== 'interim') {
      for (const each of instances.of(serviceId)) each.inHand.delete(idempotencyKey)
    }
    const taskId = sending?.taskId ?? message.payload.taskId ?? ''
    const address = { serviceId, executionId, idempotencyKey, taskId, ...(sending === undefined ? { unasked: true as const } : {}) }
    options.onMessage({ ...address, ...answer } satisfies TaskMessage)
  }

  return {
    receive(instance, text) {
      const message = readServiceMessage(text)
      if (message === undefined) complain(instance, 'a service sent what is no message')
      if (message === undefined || message.payload.type === 'pong') return undefined
      try {
        take(instance, message)
        return message.id
      } catch (error) {
        log.error({ serviceId: instance.serviceId, err: error }, 'a message of a service could not be handled')
        return undefined
      }
    }
  }
}
