import type { ServiceSocket } from '../plan-engine.ts'
import type { Sending } from './sendings.ts'

/** Who had a request. */
export type Holder = Pick<Sending, 'connection' | 'instance'>

/** A program of a service that is here. */
export type Instance = {
  readonly number: number
  readonly serviceId: string
  readonly keyId: string
  /** The same after a reconnect, where that can be told. */
  readonly name: string
  readonly socket: ServiceSocket
  /** Work it was given and has not answered: idempotency key → the sendings of it. */
  readonly inHand: Map<string, Set<string>>
  /** What was already said of it in the log. */
  readonly complaints: Set<string>
  /** Pings since it was last heard. */
  silence: number
  /** Another connection came from where it came from, so it may be the one that broke off. */
  doubtful: boolean
}

export type Instances = {
  add(instance: Instance): void
  has(instance: Instance): boolean
  /** False: it was not here. */
  remove(instance: Instance): boolean
  of(serviceId: string): readonly Instance[]
  all(): Instance[]
  /** Who takes the next request: `before` if it is still here, else who has the least in hand, in turn among equals. Undefined: nobody is here. */
  choose(serviceId: string, before?: Holder): Instance | undefined
}

export function createInstances(): Instances {
  const services = new Map<string, { instances: Instance[]; turn: number }>()
  const none: readonly Instance[] = []
  return {
    add(instance) {
      const entry = services.get(instance.serviceId)
      if (entry === undefined) services.set(instance.serviceId, { instances: [instance], turn: 0 })
      else entry.instances.push(instance)
    },
    has: (instance) => services.get(instance.serviceId)?.instances.includes(instance) ?? false,
    remove(instance) {
      const entry = services.get(instance.serviceId)
      if (!entry?.instances.includes(instance)) return false
      entry.instances = entry.instances.filter((each) => each !== instance)
      if (entry.instances.length === 0) services.delete(instance.serviceId)
      return true
    },
    of: (serviceId) => services.get(serviceId)?.instances ?? none,
    all: () => [...services.values()].flatMap(({ instances }) => instances),
    choose(serviceId, before) {
      const entry = services.get(serviceId)
      if (entry === undefined) return undefined
      const { instances } = entry
      const again = before && sameAgain(instances, before)
      if (again !== undefined) return again
      entry.turn = (entry.turn + 1) % instances.length
      let best: Instance | undefined
      for (let step = 0; step < instances.length; step++) {
        const instance = instances[(entry.turn + step) % instances.length]
        if (instance !== undefined && (best === undefined || isFreer(instance, best))) best = instance
      }
      return best
    }
  }
}

/** The very connection, or else the newest from the same program: what it knows outlives a reconnect. */
function sameAgain(instances: readonly Instance[], before: Holder): Instance | undefined {
  const same = instances.find((each) => each.number === before.connection && !each.doubtful)
  return same ?? instances.findLast((each) => each.name === before.instance)
}

function isFreer(one: Instance, other: Instance): boolean {
  if (one.doubtful !== other.doubtful) return other.doubtful
  return one.inHand.size < other.inHand.size
}
