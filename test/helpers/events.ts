import { isLastEvent, type SequencedEvent } from '#contracts/event.ts'

/** A listener that keeps what it hears, and lets a test wait for something in it. */
export function recorder() {
  const events: SequencedEvent[] = []
  const waiters: { matches: (event: SequencedEvent) => boolean; resolve: (event: SequencedEvent) => void }[] = []
  return {
    events,
    listener(batch: SequencedEvent[]) {
      for (const event of batch) {
        events.push(event)
        for (const waiter of waiters.filter(({ matches }) => matches(event))) {
          waiters.splice(waiters.indexOf(waiter), 1)
          waiter.resolve(event)
        }
      }
    },
    /** Resolves with the first event that matches, past or to come. */
    heard(matches: (event: SequencedEvent) => boolean): Promise<SequencedEvent> {
      const past = events.find(matches)
      return past === undefined ? new Promise((resolve) => waiters.push({ matches, resolve })) : Promise.resolve(past)
    },
    ended(): Promise<SequencedEvent> {
      return this.heard(isLastEvent)
    },
    kept: () => events.filter((event) => event.seq >= 0),
    text: () => events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('')
  }
}
