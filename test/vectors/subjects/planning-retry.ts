import assert from 'node:assert/strict'
import { z } from 'zod'
import { createLog } from '../../../server/log.ts'
import { createModelPlanner } from '../../../server/plans/planning/model-planner.ts'
import { testService } from '../../helpers/plan-services.ts'
import type { Check } from '../run.ts'

const Input = z.object({ attempts: z.array(z.string()), first_attempt_seconds: z.number().optional() })
const Expected = z.object({ llm_calls: z.number(), status: z.string().optional(), feedback_given: z.array(z.string().nullable()).optional() })
const statuses = { planned: 'pending', 'not-actionable': 'not_actionable', failed: 'failed' } as const

/** Each attempt is a whole plan; a bad one uses a service of its own name, which does not exist. */
export const check: Check = async (input, expected) => {
  const { attempts } = Input.parse(input)
  const want = Expected.parse(expected)
  const service = testService('echo', {}, {})
  const prompts: string[] = []
  const planner = createModelPlanner({
    log: createLog({ level: 'silent' }),
    model: {
      grammar: false,
      async complete({ user }) {
        prompts.push(user)
        const word = attempts[Math.min(prompts.length, attempts.length) - 1] ?? ''
        return {
          text: `\`\`\`json\n${JSON.stringify(planOf(word, service.id))}\n\`\`\``,
          reasoning: '',
          model: 'm',
          promptTokens: 1,
          completionTokens: 1,
          finishReason: 'stop'
        }
      }
    }
  })
  const request = { action: 'Echo', data: [], services: [service], grounding: undefined, example: undefined }
  const outcome = await planner.plan({ ...request, clientId: 'c', requestId: 'r', deadlineAt: Date.now() + 600_000 }, new AbortController().signal)
  assert.equal(prompts.length, want.llm_calls)
  if (want.status !== undefined) assert.equal(statuses[outcome.type], want.status)
  if (want.feedback_given !== undefined)
    assert.deepEqual(
      prompts.map((prompt) => feedbackIn(prompt, attempts)),
      want.feedback_given
    )
}

function planOf(word: string, service: string): object {
  if (word === 'final')
    return {
      tasks: [
        { id: 'task0', input: {} },
        { id: 'final', input: { error: 'no' } }
      ]
    }
  return {
    tasks: [
      { id: 'task0', input: {} },
      { id: 'task1', service: word === 'ok' ? service : word, input: {} }
    ]
  }
}

/** The newest failure that a prompt tells of. */
function feedbackIn(prompt: string, attempts: readonly string[]): string | null {
  return attempts.filter((word) => prompt.includes(`${JSON.stringify(word)}, which does not exist`)).at(-1) ?? null
}
