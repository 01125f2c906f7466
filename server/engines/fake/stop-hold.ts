/**
 * Holds back the tokens in which a stop string may have begun, until it is whole (then the answer ends before it) or cannot become so.
 * `free`: tokens, the last one perhaps cut, that may be sent now. `rest`: what was held back when the answer ends for another reason.
 */
export function createHold(stop: readonly string[]): { add(token: string): { free: string[]; stopped: boolean }; rest(): string[] } {
  let held: string[] = []
  return {
    add(token) {
      held.push(token)
      const text = held.join('')
      const matches = stop.map((string) => text.indexOf(string)).filter((at) => at !== -1)
      if (matches.length > 0) {
        const free = firstCharacters(held, Math.min(...matches))
        held = []
        return { free, stopped: true }
      }
      const begun = Math.max(0, ...stop.map((string) => beginningAtEnd(text, string)))
      const free: string[] = []
      let left = text.length
      for (let first = held[0]; first !== undefined && left - first.length >= begun; first = held[0]) {
        left -= first.length
        free.push(first)
        held.shift()
      }
      return { free, stopped: false }
    },
    rest: () => held.splice(0)
  }
}

/** How many of the last characters of `text` are the first ones of `stop`. */
function beginningAtEnd(text: string, stop: string): number {
  for (let length = Math.min(stop.length - 1, text.length); length > 0; length--) if (text.endsWith(stop.slice(0, length))) return length
  return 0
}

function firstCharacters(tokens: readonly string[], count: number): string[] {
  const free: string[] = []
  for (const token of tokens) {
    if (count <= 0) break
    free.push(token.slice(0, count))
    count -= token.length
  }
  return free
}
