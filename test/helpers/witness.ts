/** What happened so far, and a way to wait for something in it, past or to come. */
export type Witness<Item> = {
  readonly items: readonly Item[]
  note(item: Item): void
  /** Calls back with what comes from now on. */
  listen(listener: (item: Item) => void): void
  /** Resolves with the first item that matches. */
  first(matches?: (item: Item) => boolean): Promise<Item>
  /** Resolves with all items once there are so many that match. */
  count(wanted: number, matches?: (item: Item) => boolean): Promise<Item[]>
}

export function createWitness<Item>(): Witness<Item> {
  const items: Item[] = []
  const waiters = new Set<() => void>()
  const listeners: ((item: Item) => void)[] = []
  const any = () => true

  function count(wanted: number, matches: (item: Item) => boolean = any): Promise<Item[]> {
    return new Promise((resolve) => {
      const found: Item[] = []
      let looked = 0
      const look = () => {
        for (; looked < items.length && found.length < wanted; looked++) {
          const item = items[looked] as Item // `looked` is within the array.
          if (matches(item)) found.push(item)
        }
        if (found.length < wanted) return
        waiters.delete(look)
        resolve(found)
      }
      waiters.add(look)
      look()
    })
  }

  return {
    items,
    note(item) {
      items.push(item)
      for (const listener of listeners) listener(item)
      for (const look of [...waiters]) look()
    },
    listen: (listener) => void listeners.push(listener),
    count,
    async first(matches) {
      const [item] = await count(1, matches)
      return item as Item // One was asked for.
    }
  }
}
