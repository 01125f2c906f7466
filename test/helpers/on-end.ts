/** A test's context, or what node:test exports, for a whole file. */
export type Ending = { after(close: () => Promise<void>): void }

const stacks = new WeakMap<object, (() => unknown)[]>()

/** Runs `close` when the test ends, last opened first closed. (node:test's own hooks run in the order they were given.) */
export function onEnd(t: Ending, close: () => unknown): void {
  let stack = stacks.get(t)
  if (stack === undefined) {
    const fresh: (() => unknown)[] = []
    stack = fresh
    stacks.set(t, fresh)
    t.after(async () => {
      for (const undo of fresh.reverse()) await undo()
    })
  }
  stack.push(close)
}
