import { z } from 'zod'
import { Grounding } from '#contracts/plan.ts'
import { AppError } from '../../errors.ts'

/** Why a grounding cannot be used. `field`: as clients know it; `rule`: which check failed. */
export type SpecProblem = { field: string; rule: string; message: string }

// Clients of other languages send null for what they do not have.
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '')
const list = <Item extends z.ZodType>(item: Item) =>
  z
    .array(item)
    .max(1000)
    .nullish()
    .transform((items) => items ?? [])
/** As it may come; what is left out is empty. */
export const DraftUseCase = z.object({
  action: text,
  params: z
    .record(z.string(), z.string())
    .nullish()
    .transform((params) => params ?? {}),
  capabilities: list(text),
  intent: text
})
export const Draft = z.object({ name: text, domain: text, version: text, useCases: list(DraftUseCase), constraints: list(text) })
type Draft = z.infer<typeof Draft>
export type DraftUseCase = z.infer<typeof DraftUseCase>

/** As it came from a client → grounding. Throws `invalid_request` whose `param` is the first field at fault: name, domain, version, use-cases, constraints. */
export function parseGrounding(value: unknown): Grounding {
  const draft = Draft.safeParse(value)
  if (!draft.success) {
    const issue = draft.error.issues[0]
    const [field = 'body'] = issue?.path ?? []
    const path = issue?.path.join('.') ?? ''
    throw new AppError('invalid_request', `the grounding cannot be read at ${path === '' ? 'its top' : path}: ${issue?.message}`, {
      param: toParam(String(field))
    })
  }
  const problem = findSpecProblem(draft.data)
  if (problem !== undefined) throw new AppError('invalid_request', problem.message, { param: problem.field })
  return Grounding.parse(draft.data)
}

/** The first problem, in the order name, domain, version, use cases, constraints. */
export function findSpecProblem({ name, domain, version, useCases, constraints }: Draft): SpecProblem | undefined {
  const named = nameProblem('name', name) ?? nameProblem('domain', domain)
  if (named !== undefined) return named
  if (isBlank(version)) return { field: 'version', rule: 'blank', message: 'version must not be blank; give one such as 1.0' }
  if (useCases.length === 0) return { field: 'use-cases', rule: 'empty', message: 'use-cases must have at least one use case' }
  for (const [index, useCase] of useCases.entries()) {
    const problem = findUseCaseProblem(useCase)
    if (problem !== undefined) return { ...problem, message: `use case ${index + 1}: ${problem.message}` }
  }
  const blank = constraints.findIndex(isBlank)
  if (blank === -1) return undefined
  return { field: 'constraints', rule: `constraint_blank_at_index_${blank}`, message: `constraint ${blank + 1} is blank; write it or take it out` }
}

export function findUseCaseProblem({ action, params, capabilities, intent }: DraftUseCase): SpecProblem | undefined {
  const problem = (rule: string, message: string): SpecProblem => ({ field: 'use-cases', rule, message })
  if (isBlank(action)) return problem('action_blank', 'action must not be blank')
  const lacking = variablesOf(action).find((name) => !Object.hasOwn(params, name))
  if (lacking !== undefined)
    return problem(`params_required:${lacking}`, `its action has the variable {${lacking}}, and its params have no sample for it`)
  if (capabilities.length === 0) return problem('capabilities_empty', 'capabilities must name at least one')
  const blank = capabilities.findIndex(isBlank)
  if (blank !== -1) return problem(`capability_blank_at_index_${blank}`, `capability ${blank + 1} is blank; write it or take it out`)
  return isBlank(intent) ? problem('intent_blank', 'intent must not be blank') : undefined
}

/** Names in braces, in order. */
export function variablesOf(action: string): string[] {
  return [...action.matchAll(/\{([^{}]*)\}/g)].map(([, name = '']) => name)
}

function nameProblem(field: 'name' | 'domain', value: string): SpecProblem | undefined {
  if (value.length < 3 || value.length > 63) {
    return { field, rule: 'length_3_63', message: `${field} must have 3–63 characters, got ${value.length}` }
  }
  if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(value)) return undefined
  return {
    field,
    rule: 'pattern',
    message: `${field} may have a–z, 0–9, dots and hyphens and must begin and end with a letter or digit, got ${JSON.stringify(value)}`
  }
}

function isBlank(value: string): boolean {
  return value.trim() === ''
}

/** What the field is called in a grounding file. */
function toParam(field: string): string {
  return field === 'useCases' ? 'use-cases' : field
}
