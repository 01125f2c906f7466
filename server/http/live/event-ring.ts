import { randomBytes } from 'node:crypto'

/** The last events with their ids, so that who was away for a moment hears what it missed. Ids of another process are not known here. */
export type EventRing<Event> = {
  /** Returns the id. */
  add(event: Event): string
  /** Of the newest event, and before the first. */
  readonly lastId: string
  /** What came after this id; undefined: that cannot be said any more. */
  after(id: string): { id: string; event: Event }[] | undefined
}

export function createEventRing<Event>(size: number): EventRing<Event> {
  const epoch = randomBytes(4).toString('hex')
  const kept: { number: number; event: Event }[] = []
  let last = 0
  const idOf = (number: number) => `${epoch}-${number}`
  return {
    add(event) {
      last++
      kept.push({ number: last, event })
      if (kept.length > size) kept.shift()
      return idOf(last)
    },
    get lastId() {
      return idOf(last)
    },
    after(id) {
      const [from, digits = ''] = id.split('-')
      const number = Number(digits)
      if (from !== epoch || !/^\d{1,15}$/.test(digits) || number > last) return undefined
      const oldest = kept[0]?.number ?? last + 1
      if (number < oldest - 1) return undefined
      return kept.filter((entry) => entry.number > number).map((entry) => ({ id: idOf(entry.number), event: entry.event }))
    }
  }
}
