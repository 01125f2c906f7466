/** What a service says of a task. On the wire it goes as `{ id, payload }`, and is acknowledged by that id. */
export type ServicePayload = { type: string; taskId: string; executionId: string; idempotencyKey: string; serviceId: string } & Record<
  string,
  unknown
>

export type Outbox = {
  send(payload: ServicePayload): void
  acknowledged(id: string): void
  /** A connection is there: everything not acknowledged goes again. */
  connected(write: (text: string) => void): void
  disconnected(): void
  /** Sent and not acknowledged, or not sent yet. */
  readonly waiting: number
  close(): void
}

/** SDKs put what was not acknowledged in time back into the queue, which they only empty when they connect again. */
const acknowledgementMs = 5000

/**
 * Keeps every message of a service until the engine has acknowledged it. `unwrapped`: what waited goes as the bare payload and is not tracked any
 * more, as the original's JavaScript SDK does it.
 */
export function createOutbox({ unwrapped }: { unwrapped: boolean }): Outbox {
  let write: ((text: string) => void) | undefined
  let lastId = 0
  let queue: ServicePayload[] = []
  const pending = new Map<string, { payload: ServicePayload; timer: NodeJS.Timeout }>()

  function post(payload: ServicePayload): void {
    if (write === undefined) {
      queue.push(payload)
      return
    }
    const id = `message_${++lastId}_${payload.executionId}`
    const timer = setTimeout(() => {
      pending.delete(id)
      queue.push(payload)
    }, acknowledgementMs)
    timer.unref()
    pending.set(id, { payload, timer })
    write(JSON.stringify({ id, payload }))
  }

  function takePending(): ServicePayload[] {
    const payloads = [...pending.values()].map(({ payload, timer }) => {
      clearTimeout(timer)
      return payload
    })
    pending.clear()
    return payloads
  }

  return {
    send: post,
    acknowledged(id) {
      const message = pending.get(id)
      if (message === undefined) return
      clearTimeout(message.timer)
      pending.delete(id)
    },
    connected(writeText) {
      write = writeText
      const waited = queue
      queue = []
      for (const payload of waited) {
        if (unwrapped) writeText(JSON.stringify(payload))
        else post(payload)
      }
    },
    disconnected() {
      write = undefined
      queue = [...takePending(), ...queue]
    },
    get waiting() {
      return pending.size + queue.length
    },
    close() {
      takePending()
      queue = []
    }
  }
}
