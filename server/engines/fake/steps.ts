/**
 * The beat of continuous batching: all sequences with the same step time go on in the same turn of the event loop,
 * as they do after one decode of a real engine.
 */
export function createSteps(): { next(stepMs: number): Promise<void>; stop(): void } {
  const beats = new Map<number, { waiting: (() => void)[]; dueAt: number; timer: NodeJS.Timeout | undefined }>()

  const beatOf = (stepMs: number) => {
    const beat = beats.get(stepMs) ?? { waiting: [], dueAt: 0, timer: undefined }
    beats.set(stepMs, beat)
    return beat
  }

  return {
    next: (stepMs) =>
      new Promise((resolve) => {
        const beat = beatOf(stepMs)
        if (beat.waiting.push(resolve) > 1) return
        const release = () => {
          const { waiting } = beat
          beat.waiting = []
          for (const go of waiting) go()
        }
        if (stepMs === 0) {
          setImmediate(release)
          return
        }
        const now = performance.now()
        beat.dueAt = Math.max(now, beat.dueAt + stepMs < now ? now + stepMs : beat.dueAt + stepMs)
        beat.timer = setTimeout(release, Math.max(0, Math.round(beat.dueAt - now)))
      }),
    stop() {
      for (const beat of beats.values()) {
        clearTimeout(beat.timer)
        for (const go of beat.waiting.splice(0)) go()
      }
    }
  }
}
