/** Time, as whoever waits sees it. */
export type Clock = {
  /** Unix milliseconds. Somebody may set it, forwards or back. */
  now(): number
  /** Milliseconds since some moment. Nobody sets it. */
  elapsed(): number
  /** Calls once, after so many milliseconds. Returns how to prevent that. */
  after(milliseconds: number, callback: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds)
    return () => clearTimeout(timer)
  }
}
