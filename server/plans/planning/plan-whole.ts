import { findJsonText } from './answer-text.ts'
import { type AttemptOutcome, type AttemptQuestion, refuse } from './attempt.ts'
import type { Finding } from './finding.ts'
import { type PlanDraft, readPlanDraft } from './plan-draft.ts'
import { wholeSchema } from './plan-schema.ts'
import type { Completion } from './planner.ts'
import { answerTokens } from './planning-budget.ts'
import { wholeQuestion, wholeSystem } from './prompt.ts'
import { validatePlan } from './validate-plan.ts'

/** One attempt in one call: the whole plan, as models without a grammar write it. What is wrong with it is found afterwards. */
export async function planWhole({ request, services, ask, failedAttempts, feedback }: AttemptQuestion): Promise<AttemptOutcome> {
  const about = { services: request.services, data: request.data, failedAttempts }
  const answer = await ask({
    phase: 'whole',
    system: wholeSystem,
    user: wholeQuestion(request, services, feedback),
    schema: wholeSchema(),
    maxTokens: answerTokens.whole
  })
  const read = readAnswer(answer)
  const outcome = 'kind' in read ? refuse([read], about) : validatePlan({ draft: withServiceIds(read, request.services), ...about })
  answer.note(outcome.type === 'invalid' ? outcome.messages : [])
  return outcome.type === 'valid' ? { type: 'planned', plan: outcome.plan } : outcome
}

function readAnswer({ text, finishReason, completionTokens }: Completion): PlanDraft | Finding {
  const jsonText = findJsonText(text)
  if (jsonText === undefined) {
    const problem = finishReason === 'length' ? `it was cut off after ${completionTokens} tokens` : 'it has no JSON object'
    return { kind: 'unreadable', problem }
  }
  const read = readPlanDraft(jsonText)
  return read.ok ? read.draft : { kind: 'unreadable', problem: read.problem }
}

/** Models that see a name beside the id sometimes write that; it means the same where no other service has it. */
function withServiceIds(draft: PlanDraft, services: AttemptQuestion['services']): PlanDraft {
  const ids = new Set(services.map(({ id }) => id.toLowerCase()))
  const tasks = draft.tasks.map((task) => {
    if (task.service === undefined || ids.has(task.service)) return task
    const named = services.filter(({ name }) => name.toLowerCase() === task.service)
    return named.length === 1 && named[0] !== undefined ? { ...task, service: named[0].id.toLowerCase() } : task
  })
  return { ...draft, tasks }
}
