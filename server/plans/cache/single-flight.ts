/** Of several who need the same thing at the same time, one makes it and the others use it. */
export type SingleFlight = {
  /**
   * Asks `find` first. Where there is nothing, runs `make` unless somebody else with the same key does at the moment: then waits, and asks `find`
   * again once that one has succeeded. Who still finds nothing makes it as well, and so do those whose leader failed: one after another, never all
   * at once. An abort ends the caller's own wait or work only; rejects with the signal's reason.
   */
  run<T>(key: string, work: { find: () => Promise<T | undefined>; make: () => Promise<T> }, signal: AbortSignal): Promise<T>
}

type Wake = 'lead' | 'look'
type Line = ((wake: Wake) => void)[]

export function createSingleFlight(): SingleFlight {
  // A key is here while one is making; the line holds who waits for it, in the order they came.
  const lines = new Map<string, Line>()

  /** Resolves with `lead` when it is this caller's turn, with `look` when there may be something to find. */
  function enter(key: string, signal: AbortSignal): Promise<Wake> {
    const line = lines.get(key)
    if (line === undefined) {
      lines.set(key, [])
      return Promise.resolve('lead')
    }
    return new Promise((resolve, reject) => {
      const wake = (reason: Wake) => {
        signal.removeEventListener('abort', leave)
        resolve(reason)
      }
      const leave = () => {
        line.splice(line.indexOf(wake), 1)
        reject(signal.reason)
      }
      line.push(wake)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  function succeeded(key: string): void {
    const line = lines.get(key) ?? []
    lines.delete(key)
    for (const wake of line) wake('look')
  }

  function failed(key: string): void {
    const line = lines.get(key) ?? []
    const next = line.shift()
    if (next === undefined) lines.delete(key)
    else next('lead')
  }

  return {
    async run(key, { find, make }, signal) {
      for (;;) {
        signal.throwIfAborted()
        const found = await find()
        if (found !== undefined) return found
        if ((await enter(key, signal)) === 'look') continue
        try {
          // Somebody may have made it between the look and now.
          const made = (await find()) ?? (await make())
          succeeded(key)
          return made
        } catch (error) {
          failed(key)
          throw error
        }
      }
    }
  }
}
