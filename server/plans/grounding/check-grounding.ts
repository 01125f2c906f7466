import type { Plan, Service } from '#contracts/plan.ts'
import { cosineSimilarity } from '../cache/similarity.ts'
import type { Embed, GroundingHit } from '../planning/planner.ts'
import { checkRule } from './check-rule.ts'
import { phrasesOf, readConstraint } from './constraint-grammar.ts'
import { sharedWords } from './content-words.ts'
import { capabilitySimilarity, capabilityWords, checkCoverage, coverageFinding } from './coverage.ts'
import { describe, findServices, type Similarity } from './find-services.ts'

export type GroundingReport = {
  /** What the plan breaks, in words for the model and for people. Empty: it may go on. */
  findings: string[]
  /** Constraints that cannot be checked here, each with why: they went to the model as text, and a person has to see to them. */
  unchecked: string[]
}

/** Below it a service has nothing to do with a capability. */
const unrelated = 0.25

/**
 * Holds a valid plan against the use case of its action: the services have the capabilities it requires, none has nothing to do with them, and the
 * constraints that state an order, a precondition or a number hold. `services`: all of the project.
 */
export async function checkGrounding(
  plan: Plan,
  services: Service[],
  hit: GroundingHit,
  embed: Embed,
  signal?: AbortSignal
): Promise<GroundingReport> {
  const { constraints } = hit.grounding
  const { capabilities } = hit.useCase
  const used = services.filter(({ id }) => plan.tasks.some(({ service }) => service === id))
  const rules = constraints.map((sentence) => ({ sentence, rule: readConstraint(sentence) }))
  const phrases = rules.flatMap(({ rule }) => (rule === undefined ? [] : [rule]).flatMap(phrasesOf))
  const similarity = await compareTexts([...capabilities, ...phrases, ...services.map(describe)], embed, signal)

  const report: GroundingReport = { findings: [], unchecked: [] }
  const matches = (capability: string, description: string) =>
    (similarity(capability, description) ?? 0) > capabilitySimilarity || sharedWords(capability, description) >= capabilityWords
  const coverage = checkCoverage(capabilities, used.map(describe), matches)
  if (!coverage.ok) report.findings.push(coverageFinding(coverage, capabilities))
  for (const service of used) {
    const related = capabilities.some((capability) => isRelated(capability, describe(service), similarity))
    if (!related)
      report.findings.push(`${service.name} has nothing to do with what the use case allows (${capabilities.join(', ')}); take its tasks out`)
  }
  for (const { sentence, rule } of rules) {
    if (rule === undefined) {
      report.unchecked.push(`“${sentence}”: it states no order, precondition or number of tasks`)
      continue
    }
    const result = checkRule(rule, plan, (phrase) => findServices(phrase, services, similarity))
    if (result.type === 'broken') report.findings.push(`the constraint “${sentence}” does not hold: ${result.finding}`)
    if (result.type === 'unchecked') report.unchecked.push(`“${sentence}”: ${result.reason}`)
  }
  return report
}

/** Without an embedding model nothing is known to be unrelated: words alone may differ and mean the same. */
function isRelated(capability: string, description: string, similarity: Similarity): boolean {
  const value = similarity(capability, description)
  return value === undefined || value >= unrelated || sharedWords(capability, description) > 0
}

async function compareTexts(texts: string[], embed: Embed, signal?: AbortSignal): Promise<Similarity> {
  const unique = [...new Set(texts)]
  const vectors = await embed(unique, signal)
  if (vectors === undefined) return () => undefined
  const vectorOf = new Map(unique.map((text, index) => [text, vectors[index]]))
  return (one, other) => {
    const left = vectorOf.get(one)
    const right = vectorOf.get(other)
    return left === undefined || right === undefined ? undefined : cosineSimilarity(left, right)
  }
}
