/** Turns pushes into an async iteration: what was pushed before `end` is read first, then the iteration ends or throws. */
export type EventQueue<T> = { push(event: T): void; end(error?: unknown): void; events(): AsyncGenerator<T, void> }

export function createEventQueue<T>(): EventQueue<T> {
  let waiting: T[] = []
  let ended = false
  let failure: unknown
  let wake: (() => void) | undefined

  function notify() {
    wake?.()
    wake = undefined
  }

  return {
    push(event) {
      waiting.push(event)
      if (wake !== undefined) notify()
    },
    end(error) {
      if (ended) return
      ended = true
      failure = error
      notify()
    },
    async *events() {
      while (true) {
        while (waiting.length > 0) {
          const batch = waiting
          waiting = []
          for (const event of batch) yield event
        }
        if (ended) {
          if (failure !== undefined) throw failure
          return
        }
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
  }
}
