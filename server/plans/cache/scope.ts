import { createHash } from 'node:crypto'
import type { SchemaNode, Service } from '#contracts/plan.ts'
import { canonicalJson } from '../../canonical-json.ts'
import type { GroundingHit } from '../planning/planner.ts'
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
  return toShape(action, data, (word) => services.some((service) => vocabularyOf(service).has(word)))
}

/** Requests with the same key can be served by one plan, unless a value of theirs turns out to matter: plan one of them, and look for the others. */
export function flightKey(question: CacheQuestion): string {
  return `${toScope(question)}:${shapeOf(question).key}`
}

// A registered service is never changed in place: a new registration makes a new object. Who reads them anew for each request pays for a hash each.
const digests = new WeakMap<Service, string>()
const vocabularies = new Map<string, Set<string>>()
const mostVocabularies = 2000

function digestOf(service: Service): string {
  const known = digests.get(service)
  if (known !== undefined) return known
  const { id, kind, version, name, description, input, output, revertible, approval } = service
  // Plain JSON: the same registration has its keys in the same order, and another one has another version.
  const digest = createHash('sha256')
    .update(JSON.stringify([id, kind, version, name, description, input, output, revertible, approval]))
    .digest('hex')
  digests.set(service, digest)
  return digest
}

/** Words a service speaks of itself with, those of its fields and enums included. */
function vocabularyOf(service: Service): Set<string> {
  const digest = digestOf(service)
  const known = vocabularies.get(digest)
  if (known !== undefined) return known
  const texts = [service.name, service.description, ...schemaTexts(service.input), ...schemaTexts(service.output)]
  const words = new Set(texts.flatMap((text) => [...wordsOf(text), ...wordsOf(text.replace(/(?<=\p{Ll})(?=\p{Lu})|_/gu, ' '))]))
  vocabularies.set(digest, words)
  if (vocabularies.size > mostVocabularies) vocabularies.delete(vocabularies.keys().next().value ?? digest)
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
