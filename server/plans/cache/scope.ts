import { createHash } from 'node:crypto'
import type { SchemaNode, Service } from '#contracts/plan.ts'
import type { GroundingHit } from '../planning/planner.ts'
import { canonicalJson } from './canonical-json.ts'
import type { CacheQuestion } from './plan-cache.ts'
import { type Shape, toShape } from './shape.ts'
import { wordsOf } from './words.ts'

/** What a plan is good for: one project, its services as they are now, and the grounding that applied, word for word. */
export function toScope({ projectId, services, grounding }: Pick<CacheQuestion, 'projectId' | 'services' | 'grounding'>): string {
  const digests = services.map(digestOf).sort()
  return hash([projectId, digests, grounding === undefined ? null : [groundingId(grounding), grounding.grounding]])
}

/** `name@version#index`. */
export function groundingId({ grounding, index }: GroundingHit): string {
  return `${grounding.name}@${grounding.version}#${index}`
}

export function shapeOf({ action, data, services }: CacheQuestion): Shape {
  const known = services.map(vocabularyOf)
  return toShape(action, data, (word) => known.some((words) => words.has(word)))
}

/** Requests with the same key can be served by one plan, unless a value of theirs turns out to matter: plan one of them, and look for the others. */
export function flightKey(question: CacheQuestion): string {
  return `${toScope(question)}:${shapeOf(question).key}`
}

// A registered service is never changed in place: a new registration makes a new object.
const digests = new WeakMap<Service, string>()
const vocabularies = new WeakMap<Service, Set<string>>()

function digestOf(service: Service): string {
  const known = digests.get(service)
  if (known !== undefined) return known
  const { id, kind, version, name, description, input, output, revertible, approval } = service
  const digest = hash([id, kind, version, name, description, input, output, revertible, approval])
  digests.set(service, digest)
  return digest
}

/** Words a service speaks of itself with, those of its fields and enums included. */
function vocabularyOf(service: Service): Set<string> {
  const known = vocabularies.get(service)
  if (known !== undefined) return known
  const texts = [service.name, service.description, ...schemaTexts(service.input), ...schemaTexts(service.output)]
  const words = new Set(texts.flatMap((text) => [...wordsOf(text), ...wordsOf(text.replace(/(?<=\p{Ll})(?=\p{Lu})|_/gu, ' '))]))
  vocabularies.set(service, words)
  return words
}

function schemaTexts(node: SchemaNode): string[] {
  const own = [node.description ?? '', ...(node.enum ?? []).filter((item) => typeof item === 'string')]
  const parts = Object.entries(node.properties ?? {}).flatMap(([name, child]) => [name, ...schemaTexts(child)])
  return [...own, ...parts, ...(node.items === undefined ? [] : schemaTexts(node.items))]
}

function hash(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex')
}
