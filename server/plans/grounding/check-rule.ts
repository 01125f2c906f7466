import type { Plan, PlanTask, Service } from '#contracts/plan.ts'
import { phrasesOf, type Rule } from './constraint-grammar.ts'

/** Services a phrase speaks of; none: it cannot be told. */
export type Resolve = (phrase: string) => Service[]

export type RuleResult = { type: 'holds' } | { type: 'broken'; finding: string } | { type: 'unchecked'; reason: string }

type Group = { phrase: string; names: string; tasks: PlanTask[]; ids: string[] }

/** Whether a plan keeps a rule. What runs after what follows from the references of its tasks alone. */
export function checkRule(rule: Rule, plan: Plan, resolve: Resolve): RuleResult {
  const phrases = phrasesOf(rule)
  const groups = new Map<string, Group>()
  for (const phrase of phrases) {
    const services = resolve(phrase)
    if (services.length === 0) return { type: 'unchecked', reason: `no service here is known to be meant by “${phrase}”` }
    const ids = services.map(({ id }) => id)
    groups.set(phrase, {
      phrase,
      ids,
      names: services.map(({ name }) => name).join(' or '),
      tasks: plan.tasks.filter(({ service }) => ids.includes(service))
    })
  }
  const of = (list: string[]) => list.flatMap((phrase) => groups.get(phrase) ?? [])
  const before = ancestors(plan)
  switch (rule.type) {
    case 'requires':
      return follows(of(rule.what), of(rule.first), before, true)
    case 'order':
      return follows(of(rule.second), of(rule.first), before, false)
    case 'starts-with':
      return startsWith(of(rule.what), plan, before)
    case 'count':
      return counts(of([rule.what]), rule.min, rule.max)
    case 'only':
      return only(of(rule.what), plan)
  }
}

/** Task → all tasks whose results it needs, directly or not. */
export function ancestors(plan: Plan): Map<string, Set<string>> {
  const direct = new Map(plan.tasks.map(({ id, input }) => [id, Object.values(input).flatMap(producerOf)]))
  const all = new Map<string, Set<string>>()
  for (const { id } of plan.tasks) {
    const found = new Set<string>()
    const open = [...(direct.get(id) ?? [])]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (found.has(next)) continue
      found.add(next)
      open.push(...(direct.get(next) ?? []))
    }
    all.set(id, found)
  }
  return all
}

/** Of `$task1.field`. task0 is no task: what it holds is there from the start. */
export function producerOf(reference: string): string[] {
  const [, task] = /^\$([^.]+)\./.exec(reference) ?? []
  return task === undefined || task.toLowerCase() === 'task0' ? [] : [task]
}

function follows(later: Group[], earlier: Group[], before: Map<string, Set<string>>, needed: boolean): RuleResult {
  for (const one of later) {
    for (const other of earlier) {
      if (one.ids.some((id) => other.ids.includes(id))) {
        return { type: 'unchecked', reason: `“${one.phrase}” and “${other.phrase}” are the same service, ${one.names}` }
      }
      if (!needed && other.tasks.length === 0) continue
      const loose = one.tasks.find(({ id }) => !other.tasks.some((task) => before.get(id)?.has(task.id)))
      if (loose === undefined) continue
      const [example] = other.tasks
      const remedy =
        example === undefined ? `there is no task of ${other.names}; add one before it` : `give it an input from a result of ${example.id}`
      return { type: 'broken', finding: `${loose.id} (${one.names}) does not wait for ${other.names}: ${remedy}` }
    }
  }
  return { type: 'holds' }
}

function startsWith(first: Group[], plan: Plan, before: Map<string, Set<string>>): RuleResult {
  for (const { names, tasks, ids } of first) {
    if (tasks.length === 0) return { type: 'broken', finding: `there is no task of ${names}; the plan has to begin with one` }
    const loose = plan.tasks.find(({ id, service }) => !ids.includes(service) && !tasks.some((task) => before.get(id)?.has(task.id)))
    if (loose !== undefined)
      return { type: 'broken', finding: `${loose.id} does not wait for ${names}: give it an input from a result of ${tasks[0]?.id}` }
  }
  return { type: 'holds' }
}

function counts(groups: Group[], min: number, max: number): RuleResult {
  for (const { names, tasks } of groups) {
    if (tasks.length > max) {
      const found = tasks.map(({ id }) => id).join(', ')
      return {
        type: 'broken',
        finding: `${names} may have ${max === 0 ? 'no task' : `${max} at most`}, and has ${tasks.length} (${found}); take ${tasks.length - max} out`
      }
    }
    if (tasks.length < min) return { type: 'broken', finding: `${names} must have at least ${min}, and has ${tasks.length}` }
  }
  return { type: 'holds' }
}

function only(allowed: Group[], plan: Plan): RuleResult {
  const ids = new Set(allowed.flatMap((group) => group.ids))
  const other = plan.tasks.find(({ service }) => !ids.has(service))
  if (other === undefined) return { type: 'holds' }
  return { type: 'broken', finding: `${other.id} is a task of another service than ${allowed.map(({ names }) => names).join(', ')}; take it out` }
}
