/** A sequence of the native context. `tokens` are what its KV cache holds, from position 0. */
export type Slot = { readonly id: number; tokens: number[]; busy: boolean; lastUsed: number }

export type Slots = {
  readonly all: readonly Slot[]
  /** The best free slot for this prompt, waiting for one in the order of the calls. Rejects with the signal's reason. */
  acquire(prompt: readonly number[], signal: AbortSignal): Promise<Slot>
  release(slot: Slot): void
  /** Ends all waiting with this error. */
  close(error: Error): void
}

type Waiter = { prompt: readonly number[]; accept: (slot: Slot) => void; reject: (error: unknown) => void }

export function createSlots(count: number): Slots {
  const slots = Array.from({ length: count }, (_, id): Slot => ({ id, tokens: [], busy: false, lastUsed: 0 }))
  const waiters: Waiter[] = []
  let uses = 0
  let closed: Error | undefined

  function take(prompt: readonly number[]): Slot | undefined {
    const slot = chooseSlot(slots, prompt)
    if (slot !== undefined) {
      slot.busy = true
      slot.lastUsed = ++uses
    }
    return slot
  }

  return {
    all: slots,
    acquire(prompt, signal) {
      if (closed !== undefined) return Promise.reject(closed)
      if (signal.aborted) return Promise.reject(signal.reason)
      const free = waiters.length === 0 ? take(prompt) : undefined
      if (free !== undefined) return Promise.resolve(free)
      return new Promise((resolve, reject) => {
        const leave = () => {
          waiters.splice(waiters.indexOf(waiter), 1)
          reject(signal.reason)
        }
        const waiter: Waiter = {
          prompt,
          accept: (slot) => {
            signal.removeEventListener('abort', leave)
            resolve(slot)
          },
          reject: (error) => {
            signal.removeEventListener('abort', leave)
            reject(error)
          }
        }
        signal.addEventListener('abort', leave, { once: true })
        waiters.push(waiter)
      })
    },
    release(slot) {
      slot.busy = false
      const next = waiters[0]
      if (next === undefined) return
      const free = take(next.prompt)
      if (free === undefined) return
      waiters.shift()
      next.accept(free)
    },
    close(error) {
      closed = error
      for (const waiter of waiters.splice(0)) waiter.reject(error)
    }
  }
}

/**
 * The free slot that knows most of the prompt, when it is the same conversation: at least half of what it holds or half of the prompt.
 * Otherwise one that holds nothing, or the one unused for longest: a common system prompt of a few tokens is no reason to forget a long chat.
 * Among equals the one next to busy slots, because llama.cpp runs neighbouring ids as one batch.
 */
export function chooseSlot(slots: readonly Slot[], prompt: readonly number[]): Slot | undefined {
  const free = slots.filter((slot) => !slot.busy)
  let best: Slot | undefined
  let bestPrefix = 0
  for (const slot of free) {
    const prefix = commonPrefix(slot.tokens, prompt)
    if (prefix > bestPrefix && (prefix * 2 >= slot.tokens.length || prefix * 2 >= prompt.length)) {
      best = slot
      bestPrefix = prefix
    }
  }
  if (best !== undefined) return best
  const isBusy = (id: number) => slots[id]?.busy === true
  const isNeighbour = (slot: Slot) => isBusy(slot.id - 1) || isBusy(slot.id + 1)
  const age = (slot: Slot) => (slot.tokens.length === 0 ? -1 : slot.lastUsed)
  return free.sort((a, b) => age(a) - age(b) || Number(isNeighbour(b)) - Number(isNeighbour(a)) || a.id - b.id)[0]
}

/** How many tokens two sequences share from the start. */
export function commonPrefix(a: readonly number[], b: readonly number[]): number {
  const length = Math.min(a.length, b.length)
  let index = 0
  while (index < length && a[index] === b[index]) index++
  return index
}
