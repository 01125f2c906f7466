import { Refusal } from './imported-chat.ts'

export type Json = Record<string, unknown>

/** Reading of JSON that anybody may have made: what is not there, or of another kind, is undefined. */
export function objectOf(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined // Just checked.
}

export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** A time in seconds or milliseconds, whichever it can be; null: neither. */
export function timeOf(value: unknown): number | null {
  const number = numberOf(value)
  if (number === undefined || number <= 0) return null
  const ms = number < 1e11 ? number * 1000 : number
  return ms < 4e12 ? Math.round(ms) : null
}

/** One line without characters that would turn the reading around. */
export function titleOf(value: unknown): string {
  return (textOf(value) ?? '')
    .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .trim()
    .slice(0, 200)
}

/** An id as messages have it here; another one is refused, because replies refer to it. */
export function idOf(value: unknown): string {
  const id = textOf(value)
  if (id === undefined || !/^[A-Za-z0-9_.:-]{1,128}$/.test(id)) throw new Refusal('a message has no id, or one with unusual characters')
  return id
}

/**
 * The nodes of a tree, parents before children, each once. Throws `Refusal` for a parent that is not there, or a circle.
 */
export function inTreeOrder<Node extends { id: string; parentId: string | null }>(nodes: readonly Node[]): Node[] {
  const children = new Map<string | null, Node[]>()
  const known = new Set(nodes.map(({ id }) => id))
  if (known.size < nodes.length) throw new Refusal('two messages have the same id')
  for (const node of nodes) {
    if (node.parentId !== null && !known.has(node.parentId))
      throw new Refusal(`a message follows ${JSON.stringify(node.parentId.slice(0, 64))}, which is not in the file`)
    const siblings = children.get(node.parentId)
    if (siblings === undefined) children.set(node.parentId, [node])
    else siblings.push(node)
  }
  const ordered: Node[] = []
  const open = [...(children.get(null) ?? [])].reverse()
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    ordered.push(node)
    for (const child of (children.get(node.id) ?? []).toReversed()) open.push(child)
  }
  if (ordered.length < nodes.length) throw new Refusal('its messages follow each other in a circle')
  return ordered
}

/** Notes of one conversation, counted: the same one a hundred times is one line. */
export function createNotes(): { add(note: string): void; list(): string[] } {
  const counts = new Map<string, number>()
  return {
    add: (note) => void counts.set(note, (counts.get(note) ?? 0) + 1),
    list: () => [...counts].map(([note, count]) => (count === 1 ? note : `${note} (${count} times)`))
  }
}
