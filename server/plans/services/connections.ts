import type { Service } from '#contracts/plan.ts'
import type { Log } from '../../log.ts'
import type { ServiceConnection, ServiceSocket } from '../plan-engine.ts'
import { createInbox } from './inbox.ts'
import { createInstances, type Holder, type Instance } from './instances.ts'
import { createSendings } from './sendings.ts'
import type { Placement, ServiceHost, ServiceHostEvents } from './service-host.ts'
import { sizeProblem } from './service-message.ts'
import { toRequestText } from './service-request.ts'

/** Services that connect to us. */
export type ServiceConnections = Required<ServiceHost> & {
  connect(service: Pick<Service, 'id'>, client: { keyId: string; instance: string }, socket: ServiceSocket): ServiceConnection
  /** How many programs of a service are connected. */
  instances(serviceId: string): number
  /** Closes the connections made with a key; nothing more is taken from them. */
  keyRevoked(keyId: string): void
  /** Closes all connections. No event comes after that. */
  close(): void
}

const closeCodes = { goingAway: 1001, tooSlow: 1013, keyRevoked: 4403, silent: 4408 } as const
/** What the protocol's clients expect. */
const defaultPingMs = 54_000
/** A program may be too busy to answer for a while, as Python's are while they work. */
const pingsUnanswered = 3
const maxUnsentBytes = 64 * 1024 * 1024
const sendingsRemembered = 32_768

/**
 * Speaks the protocol with connected services: each request goes to one of the instances of its service, and what comes back to `events`.
 * What `onMessage` throws keeps that message from being acknowledged, so that its service sends it again.
 */
export function createServiceConnections(options: { events: ServiceHostEvents; log: Log; pingMs?: number }): ServiceConnections {
  const { events, log } = options
  const instances = createInstances()
  const sendings = createSendings(sendingsRemembered)
  const inbox = createInbox({ instances, sendings, onMessage: events.onMessage, log })
  let connected = 0
  let closed = false

  const timer = setInterval(() => {
    for (const instance of instances.all()) {
      if (instance.silence++ >= pingsUnanswered) drop(instance, closeCodes.silent, 'nothing was heard for too long')
      else {
        // The library of a busy program answers the first of these, the program itself the other one when it gets to it. Either will do.
        instance.socket.ping()
        instance.socket.send(JSON.stringify({ type: 'ping', serviceId: instance.serviceId }))
      }
    }
  }, options.pingMs ?? defaultPingMs)
  timer.unref()

  function heard(instance: Instance): void {
    instance.silence = 0
    instance.doubtful = false
  }

  /** Closes a connection that does not read what it is sent, so that memory stays bounded. */
  function isBehind(instance: Instance): boolean {
    if (instance.socket.bufferedAmount <= maxUnsentBytes) return false
    drop(instance, closeCodes.tooSlow, 'too much waits to be read')
    return true
  }

  function drop(instance: Instance, code: number, reason: string): void {
    if (!closed) log.warn({ serviceId: instance.serviceId, keyId: instance.keyId, code }, 'a connection of a service is closed')
    leave(instance)
    instance.socket.close(code, reason)
  }

  function leave(instance: Instance): void {
    if (!instances.remove(instance)) return
    const { serviceId } = instance
    const executionIds = [...instance.inHand.values()].flatMap((ids) => [...ids])
    log.info({ serviceId, instances: instances.of(serviceId).length, inDoubt: executionIds.length }, 'an instance of a service went')
    // Not at once: it may be found out while somebody sends, who is not to be called back in the middle of that.
    queueMicrotask(() => {
      if (closed) return
      if (instances.of(serviceId).length === 0) tell(() => events.onHealth(serviceId, false))
      if (executionIds.length > 0) tell(() => events.onInDoubt(serviceId, executionIds))
    })
  }

  function tell(event: () => void): void {
    try {
      event()
    } catch (error) {
      log.error({ err: error }, 'news of a service could not be handled')
    }
  }

  function choose(serviceId: string, { idempotencyKey, inDoubt, instance }: Placement): Instance | undefined {
    if (!inDoubt) return instances.choose(serviceId)
    const known: Holder | undefined = instance === undefined ? undefined : { connection: 0, instance }
    return instances.choose(serviceId, sendings.newestOf(idempotencyKey) ?? known)
  }

  function give(instance: Instance, { kind, taskId, executionId, idempotencyKey }: Placement): void {
    const { serviceId, number: connection, name } = instance
    sendings.note(executionId, { kind, taskId, idempotencyKey, serviceId, connection, instance: name })
    const ids = instance.inHand.get(idempotencyKey)
    if (ids === undefined) instance.inHand.set(idempotencyKey, new Set([executionId]))
    else ids.add(executionId)
  }

  /** Whom the request was placed with, if that one is still here. */
  function placedWith(serviceId: string, executionId: string): Instance | undefined {
    const connection = sendings.find(executionId)?.connection
    return connection === undefined ? undefined : instances.of(serviceId).find(({ number }) => number === connection)
  }

  return {
    isHealthy: (service) => instances.of(service.id).length > 0,
    instances: (serviceId) => instances.of(serviceId).length,
    send(service, request) {
      const text = toRequestText(service.id, request)
      const { taskId, executionId, idempotencyKey } = request
      const problem = sizeProblem(text)
      if (problem !== undefined) {
        // As if the service had said so, and after the sending, as every answer comes.
        const message = { serviceId: service.id, taskId, executionId, idempotencyKey, type: 'failed', error: `the request ${problem}` } as const
        setImmediate(() => {
          if (!closed) tell(() => events.onMessage(message))
        })
        return true
      }
      for (;;) {
        const instance = placedWith(service.id, executionId) ?? choose(service.id, request)
        if (instance === undefined) return false
        if (isBehind(instance)) continue
        give(instance, request)
        instance.socket.send(text)
        return true
      }
    },
    place(service, request) {
      const all = instances.of(service.id)
      if (all.length < 2) return undefined
      const instance = choose(service.id, request)
      if (instance === undefined) return undefined
      give(instance, request)
      return all.filter(({ name }) => name === instance.name).length > 1 ? null : instance.name
    },
    hasInstance: (service, name) => instances.of(service.id).some((each) => each.name === name),
    stop(service, executionId) {
      // The protocol has no word for it. It does not count as load any more, since it may never be answered.
      const key = sendings.find(executionId)?.idempotencyKey
      if (key !== undefined) for (const instance of instances.of(service.id)) instance.inHand.delete(key)
    },
    connect(service, { keyId, instance: name }, socket) {
      const instance: Instance = {
        number: ++connected,
        serviceId: service.id,
        keyId,
        name,
        socket,
        inHand: new Map(),
        complaints: new Set(),
        silence: 0,
        doubtful: false
      }
      if (closed) socket.close(closeCodes.goingAway, 'the server is stopping')
      else {
        // A program that comes again before its old line is known to be dead must not get half of its tasks on that one.
        for (const each of instances.of(service.id)) {
          if (each.name !== name) continue
          each.doubtful = true
          each.socket.ping()
        }
        instances.add(instance)
        log.info({ serviceId: service.id, keyId, instances: instances.of(service.id).length }, 'an instance of a service came')
        tell(() => events.onHealth(service.id, true))
      }
      return {
        onText(text) {
          if (!instances.has(instance)) return
          heard(instance)
          const id = inbox.receive(instance, text)
          if (id !== undefined && !isBehind(instance)) socket.send(`{"type":"ACK","id":${JSON.stringify(id)}}`)
        },
        onPong: () => heard(instance),
        onClose: () => leave(instance)
      }
    },
    keyRevoked(keyId) {
      for (const instance of instances.all()) if (instance.keyId === keyId) drop(instance, closeCodes.keyRevoked, 'the key was revoked')
    },
    close() {
      closed = true
      clearInterval(timer)
      for (const instance of instances.all()) drop(instance, closeCodes.goingAway, 'the server is stopping')
    }
  }
}
