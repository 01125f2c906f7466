import { z } from 'zod'
import { type ActionParameter, Json, type JsonObject } from '#contracts/plan.ts'
import { canonicalJson } from '../../canonical-json.ts'
import { mapParameters } from './parameter-mapping.ts'
import { type Placeholder, standsIn, toNumber } from './placeholders.ts'
import type { Shape } from './shape.ts'

const Path = z.array(z.union([z.string(), z.number()]))
/** Places in a constant that hold values of the action's text. A part is bare text, or the numbers of the placeholders it may come from. */
const Hole = z.object({ path: Path, as: z.enum(['string', 'number']), parts: z.array(z.union([z.string(), z.array(z.int())])) })
export type Hole = z.infer<typeof Hole>

/** Where a field of task0 comes from: from the data, or from the plan itself, with holes for values of the action's text. */
export const FieldSource = z.discriminatedUnion('from', [
  z.object({ from: z.literal('data'), parameter: z.string(), as: z.enum(['string', 'number', 'boolean']).optional() }),
  z.object({ from: z.literal('plan'), holes: z.array(Hole) })
])
export type FieldSource = z.infer<typeof FieldSource>

/** What has to be as it was for the plan to be good again: what it depends on in a way that cannot be seen. */
export const Condition = z.discriminatedUnion('type', [
  /** A value of the text left no trace in the plan, or one that cannot be replaced: the same again, or the same as one of these fields of the data. */
  z.object({ type: z.literal('placeholder'), index: z.int(), text: z.string(), fields: z.array(z.string()) }),
  /** The plan has a constant that is equal to this value of the data: it may be a copy. */
  z.object({ type: z.literal('parameter'), name: z.string(), value: Json }),
  /** A constant quotes the action. */
  z.object({ type: z.literal('words'), text: z.string() })
])
export type Condition = z.infer<typeof Condition>

export type Provenance = { sources: Record<string, FieldSource>; conditions: Condition[] }

/**
 * Decides, once and when a plan is kept, where each value of its task0 comes from: a value of the data by its name, a value of the action's text by
 * its place there, or the plan itself. What leaves more than one explanation is not guessed: it becomes a condition.
 */
export function findProvenance(shape: Shape, data: ActionParameter[], taskZero: JsonObject): Provenance {
  const mapped = new Map(mapParameters(data, taskZero).map((mapping) => [mapping.field, mapping]))
  const sources: [string, FieldSource][] = []
  const conditions: Condition[] = []
  const used: number[] = []
  const parameters = data.map((parameter) => ({ ...parameter, leaves: leavesOf(parameter.value).map(({ leaf }) => leaf) }))
  for (const [field, value] of Object.entries(taskZero)) {
    const mapping = mapped.get(field)
    if (mapping !== undefined) {
      sources.push([field, { from: 'data', parameter: mapping.parameter, ...(mapping.as === undefined ? {} : { as: mapping.as }) }])
      continue
    }
    const readings = leavesOf(value).map(({ path, leaf }) => readLeaf(leaf, path, shape, parameters))
    for (const reading of readings) {
      used.push(...reading.used)
      conditions.push(...reading.conditions)
    }
    sources.push([field, { from: 'plan', holes: readings.flatMap(({ hole }) => hole ?? []) }])
  }
  for (const [index, placeholder] of shape.placeholders.entries()) {
    const uses = used.filter((item) => item === index).length
    if (uses === 0) conditions.push(unseen(index, placeholder, data))
    // Of two constants that are 3, one may be 3 whatever the action says.
    if (uses > 1 && placeholder.text.length < distinctive) conditions.push(fixed(index, placeholder))
  }
  return { sources: Object.fromEntries(sources), conditions: withoutRepeats(conditions) }
}

/** Strings, numbers and the like inside a value, with the way to them. */
export function leavesOf(value: Json, path: (string | number)[] = []): { path: (string | number)[]; leaf: Leaf }[] {
  if (typeof value !== 'object' || value === null) return [{ path, leaf: value }]
  const entries: [string | number, Json][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value)
  return entries.flatMap(([key, item]) => leavesOf(item, [...path, key]))
}

type Leaf = string | number | boolean | null
type ReadParameter = ActionParameter & { leaves: Leaf[] }
type Reading = { hole: Hole | undefined; used: number[]; conditions: Condition[] }

function readLeaf(leaf: Leaf, path: (string | number)[], shape: Shape, data: ReadParameter[]): Reading {
  const { placeholders } = shape
  const nothing: Reading = { hole: undefined, used: [], conditions: copies(leaf, data) }
  if (typeof leaf === 'number') {
    const from = indexesOf(placeholders, ({ kind, text }) => kind === 'number' && toNumber(text) === leaf)
    return from.length === 0 ? nothing : { hole: { path, as: 'number', parts: [from] }, used: from, conditions: [] }
  }
  if (typeof leaf !== 'string' || leaf === '') return nothing
  const whole = indexesOf(placeholders, ({ text }) => text === leaf)
  if (whole.length > 0) return { hole: { path, as: 'string', parts: [whole] }, used: whole, conditions: [] }
  const parts = partsOf(leaf, placeholders)
  const bare = parts.filter((part) => typeof part === 'string')
  const used = parts.flatMap((part) => (typeof part === 'string' ? [] : part))
  const conditions = bare.flatMap((text) => [...copies(text, data), ...shortOnes(text, placeholders)])
  if (used.length > 0) return { hole: { path, as: 'string', parts }, used, conditions }
  const quotes = standsIn(shape.action.toLowerCase(), leaf.toLowerCase()).length > 0
  return { hole: undefined, used, conditions: quotes ? [...conditions, { type: 'words', text: leaf }] : conditions }
}

/** Long enough not to stand in some other text by chance. */
const distinctive = 3

/** Short values within a longer constant: they may be there by chance, so they are not replaced, and have to be the same again. */
function shortOnes(text: string, placeholders: Placeholder[]): Condition[] {
  return placeholders.flatMap((placeholder, index) =>
    placeholder.text.length < distinctive && standsIn(text, placeholder.text).length > 0 ? [fixed(index, placeholder)] : []
  )
}

/** A constant that has values of the text within it, cut at them. */
function partsOf(leaf: string, placeholders: Placeholder[]): Hole['parts'] {
  const spans = [...new Set(placeholders.map(({ text }) => text))]
    .filter((text) => text.length >= distinctive)
    .flatMap((text) => standsIn(leaf, text).map((start) => ({ start, end: start + text.length, text })))
    .sort((one, other) => one.start - other.start || other.end - one.end)
  const parts: Hole['parts'] = []
  let at = 0
  for (const { start, end, text } of spans) {
    if (start < at) continue
    if (start > at) parts.push(leaf.slice(at, start))
    parts.push(indexesOf(placeholders, (placeholder) => placeholder.text === text))
    at = end
  }
  if (at < leaf.length) parts.push(leaf.slice(at))
  return parts
}

/** Values of the data that a constant may have been copied from. Numbers below 100, truth values and short texts are equal by chance too often. */
function copies(leaf: Leaf, data: ReadParameter[]): Condition[] {
  const telling = typeof leaf === 'string' ? leaf.length >= distinctive : typeof leaf === 'number' && Math.abs(leaf) >= 100
  if (!telling) return []
  const holds = (leaves: Leaf[]) => leaves.some((item) => item === leaf || (typeof leaf === 'string' && isWithin(leaf, item)))
  return data.filter(({ leaves }) => holds(leaves)).map(({ field, value }) => ({ type: 'parameter', name: field, value }))
}

function isWithin(constant: string, value: Leaf): boolean {
  return typeof value === 'string' && value.length >= distinctive && standsIn(constant, value).length > 0
}

function unseen(index: number, { text }: Placeholder, data: ActionParameter[]): Condition {
  const equal = data.filter(({ value }) => value === text || (typeof value === 'number' && value === toNumber(text)))
  return { type: 'placeholder', index, text, fields: equal.map(({ field }) => field) }
}

/** As it was, whatever the data says. */
function fixed(index: number, { text }: Placeholder): Condition {
  return { type: 'placeholder', index, text, fields: [] }
}

function indexesOf(placeholders: Placeholder[], fits: (placeholder: Placeholder) => boolean): number[] {
  return placeholders.flatMap((placeholder, index) => (fits(placeholder) ? [index] : []))
}

function withoutRepeats(conditions: Condition[]): Condition[] {
  return [...new Map(conditions.map((condition) => [canonicalJson(condition), condition])).values()]
}
