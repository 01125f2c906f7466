import type { Action } from './action.ts'

/** Actions that a search finds, the best first. Each word must be found, at a word's start, inside, or as letters in order. */
export function findActions(actions: readonly Action[], search: string): Action[] {
  const words = fold(search)
    .split(/\s+/)
    .filter((word) => word !== '')
  if (words.length === 0) return actions.filter(({ isOneOfMany }) => isOneOfMany !== true)
  return actions
    .map((action, i) => ({ action, i, score: scoreOf(words, action) }))
    .filter(({ score }) => score > 0)
    .sort((one, other) => other.score - one.score || one.i - other.i)
    .map(({ action }) => action)
}

function scoreOf(words: readonly string[], { title, keywords = '', group }: Action): number {
  let total = 0
  for (const word of words) {
    const score = Math.max(match(word, fold(title)) * 3, match(word, fold(keywords)) * 2, match(word, fold(group)))
    if (score === 0) return 0
    total += score
  }
  return total
}

function match(word: string, text: string): number {
  const at = text.indexOf(word)
  if (at === 0) return 4
  if (at > 0) return text[at - 1] === ' ' ? 3 : 2
  return isInOrder(word, text) ? 1 : 0
}

function isInOrder(word: string, text: string): boolean {
  let from = 0
  for (const letter of word) {
    const at = text.indexOf(letter, from)
    if (at < 0) return false
    from = at + 1
  }
  return word.length > 1
}

/** Without case and accents. */
function fold(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}
