import { z } from 'zod'
import { type ActionParameter, Plan } from '#contracts/plan.ts'
import { Condition, FieldSource, findProvenance } from './provenance.ts'
import type { Shape } from './shape.ts'
import { fillTaskZero, findBroken, type Misfit } from './substitution.ts'

/** A plan with where its values come from. Kept as JSON. */
export const KeptPlan = z.object({ plan: Plan, sources: z.record(z.string(), FieldSource), conditions: z.array(Condition) })
export type KeptPlan = z.infer<typeof KeptPlan>

/** `fields`: names of the data that has a place in the plan. */
export function toKeptPlan(plan: Plan, shape: Shape, data: ActionParameter[]): { kept: KeptPlan; fields: string[] } {
  const { sources, conditions } = findProvenance(shape, data, plan.taskZero)
  const fields = new Set(Object.values(sources).flatMap((source) => (source.from === 'data' ? source.parameter : [])))
  return { kept: { plan, sources, conditions }, fields: [...fields].sort() }
}

/** The plan with the values of this action. `order`: as `compareMeaning` says; `shape` is that of the action asked for. */
export function refill(
  { plan, sources, conditions }: KeptPlan,
  shape: Shape,
  order: number[],
  data: ActionParameter[]
): { ok: true; plan: Plan } | Misfit {
  const texts = order.map((index) => shape.placeholders[index]?.text ?? '')
  const broken = findBroken(conditions, shape, texts, data)
  if (broken !== undefined) return { ok: false, reason: broken }
  const filled = fillTaskZero(plan.taskZero, sources, { data, texts })
  return filled.ok ? { ok: true, plan: { ...plan, taskZero: filled.taskZero } } : filled
}
