import type { Json, JsonObject, SchemaNode, Service } from '#contracts/plan.ts'
import { parseReference, taskZeroId, toReference } from '../protocol/reference.ts'
import { type ConstantForm, constantForm } from './constant-form.ts'
import { isIdentifier } from './names.ts'
import { isRequired, mayFeed, propertiesOf, takesAnything } from './service-schema.ts'
import { givesSurely, maybeFits, type Source, type Step, sourcesOf, surelyFits } from './sources.ts'

/** What is given to an input: a reference, or a constant. */
export type Choice = { type: 'reference'; reference: string } | { type: 'constant'; value: Json }

/** What is known of an input before a model is asked. `choices`: best first. `constant`: the form of a constant that would do, too. */
export type InputDecision = { task: string; input: string; schema: SchemaNode } & (
  | { type: 'settled'; choice: Choice }
  | { type: 'open'; choices: string[]; constant: ConstantForm | undefined; optional: boolean }
  | { type: 'missing' }
)

export type WiringQuestion = {
  steps: readonly Step[]
  data: JsonObject
  action: string
  services: readonly Service[]
  /** Whether constants that the action does not name are offered beside other sources. */
  mayInvent: boolean
}

/**
 * Where the inputs of each step may come from: the data, and outputs of steps before it, of a type that fits. What only one source can be meant for is settled without
 * a model; optional inputs that nothing speaks for are left out.
 */
export function wireSteps({ steps, data, action, services, mayInvent }: WiringQuestion): InputDecision[] {
  const decisions: InputDecision[] = []
  /** Reference → the steps it was settled for. */
  const used = new Map<string, Step[]>()
  for (const [index, step] of steps.entries()) {
    for (const [input, schema] of propertiesOf(step.service.input)) {
      const decision = decide(step, index, input, schema)
      if (decision === undefined) continue
      if (decision.type === 'settled' && decision.choice.type === 'reference') {
        const { reference } = decision.choice
        used.set(reference, [...(used.get(reference) ?? []), step])
      }
      decisions.push(decision)
    }
  }
  return decisions.map(unusedFirst).map((decision) => (mayInvent ? decision : settleClear(decision)))

  function decide(step: Step, index: number, input: string, schema: SchemaNode): InputDecision | undefined {
    const optional = !isRequired(step.service.input, input)
    let sources = sourcesOf({ service: step.service, input, schema, data, before: steps.slice(0, index) })
    const possible = constantForm(input, schema, action, { mayInvent })
    const constant = possible?.named === true || mayInvent || sources.length === 0 ? possible : undefined
    const place = { task: step.id, input, schema }
    const settle = (reference: string): InputDecision => ({ ...place, type: 'settled', choice: { type: 'reference', reference } })
    const open = (choices: readonly Source[], form: ConstantForm | undefined): InputDecision => ({
      ...place,
      type: 'open',
      choices: choices.map(({ reference }) => reference),
      constant: form,
      optional
    })

    const mine = shareOf(step, sources)
    if (mine !== undefined) return settle(mine)
    const sure = latestFirst(sources.filter(({ fit }) => fit >= surelyFits))
    const best = sure[0]
    if (best !== undefined) {
      const later = isIdentifier(input, schema) ? [] : madeFrom(best.reference, step, schema)
      return later.length === 0 && sure.length === 1 ? settle(best.reference) : open([...later, ...sure], undefined)
    }
    // What a model is to work on has no name of its own.
    if (takesAnything(schema) && sources.length > 0) return open(sources, optional ? undefined : constant)
    const likely = sources.filter(({ fit }) => fit >= maybeFits)
    if (optional) {
      const named = constant?.named === true ? constant : undefined
      return likely.length === 0 && named === undefined ? undefined : open(likely, named)
    }
    if (isIdentifier(input, schema)) {
      if (likely.length > 0) sources = likely
      // It has its own giver: something else that happens to be of its type is not meant.
      else if (services.some((service) => givesSurely(service, input, schema))) sources = []
    }
    const stated = constant?.named === true && likely.length === 0 ? constant.schema['enum'] : undefined
    // What a form names are values of the schema or of the action: JSON.
    if (Array.isArray(stated) && stated.length === 1) return { ...place, type: 'settled', choice: { type: 'constant', value: stated[0] as Json } }
    const only = sources[0]
    if (only === undefined && constant === undefined) return { ...place, type: 'missing' }
    const isClear = sources.length === 1 || (likely.length === 1 && only !== undefined && only.fit > maybeFits)
    if (only !== undefined && isClear && (constant === undefined || (!constant.named && only.fit >= maybeFits))) return settle(only.reference)
    return open(sources, constant)
  }

  /** A service that is there once for each of several things alike takes one of them each time. */
  function shareOf(step: Step, sources: readonly Source[]): string | undefined {
    const twins = steps.filter(({ service }) => service === step.service)
    const best = sources[0]?.fit ?? 0
    const alike = sources.filter(({ fit }) => fit === best)
    if (twins.length < 2 || best < maybeFits || best >= surelyFits || alike.length !== twins.length) return undefined
    return alike[twins.indexOf(step)]?.reference
  }

  /** A thing that was made out of another one of its kind is what the next step goes on with. */
  function latestFirst(sources: readonly Source[]): Source[] {
    const order = ({ reference }: Source) => steps.findIndex(({ id }) => id === parseReference(reference)?.task)
    return sources.toSorted((a, b) => order(b) - order(a) || b.fit - a.fit)
  }

  /** Outputs of earlier steps that were made from the same thing: of `translate` and `summarise` the second may mean the text or its translation. */
  function madeFrom(reference: string, step: Step, schema: SchemaNode): Source[] {
    return (used.get(reference) ?? [])
      .filter((user) => user.id !== step.id)
      .flatMap(({ id, service }) =>
        [...propertiesOf(service.output)].flatMap(([field, given]) =>
          mayFeed(given, schema) && !isIdentifier(field, given) ? [{ reference: toReference(id, field), fit: 0 }] : []
        )
      )
  }

  /** Of choices that are equally good, data that nothing else takes is what was sent for this; what takes anything is there for results. */
  function unusedFirst(decision: InputDecision): InputDecision {
    if (decision.type !== 'open') return decision
    const forResults = takesAnything(decision.schema)
    const rank = (reference: string) => (isUnused(reference) ? 1 : forResults && !isOfData(reference) ? 0 : 2)
    const fits = decision.choices.some((reference) => (fitOf(decision, reference) ?? 0) >= maybeFits)
    return fits ? decision : { ...decision, choices: decision.choices.toSorted((a, b) => rank(a) - rank(b)) }
  }

  /** Who cannot judge is asked only where neither name nor use tells two sources apart. */
  function settleClear(decision: InputDecision): InputDecision {
    if (decision.type !== 'open' || decision.optional || decision.constant?.named === true) return decision
    const [best, next] = decision.choices
    if (best === undefined) return decision
    const fit = (reference: string | undefined) => (reference === undefined ? -1 : (fitOf(decision, reference) ?? 0))
    const isOnlyUnused = isUnused(best) && (next === undefined || !isUnused(next))
    const isBetter = fit(best) >= surelyFits || (fit(best) >= maybeFits && fit(best) > fit(next)) || (fit(best) < maybeFits && isOnlyUnused)
    return isBetter ? { ...decision, type: 'settled', choice: { type: 'reference', reference: best } } : decision
  }

  function isUnused(reference: string): boolean {
    return isOfData(reference) && !used.has(reference)
  }

  function fitOf({ task, input, schema }: InputDecision, reference: string): number | undefined {
    const index = steps.findIndex(({ id }) => id === task)
    const service = steps[index]?.service
    if (service === undefined) return undefined
    return sourcesOf({ service, input, schema, data, before: steps.slice(0, index) }).find((source) => source.reference === reference)?.fit
  }
}

function isOfData(reference: string): boolean {
  return parseReference(reference)?.task === taskZeroId
}
