import assert from 'node:assert/strict'
import { z } from 'zod'
import type { Grounding } from '#contracts/plan.ts'
import { bestUseCase, toOutcome, withoutVariables } from '../../../server/plans/grounding/match-use-case.ts'
import type { Check } from '../run.ts'

const Spec = z.object({ name: z.string(), use_cases: z.array(z.object({ action: z.string(), similarity: z.number() })) })
const Input = z.union([z.object({ normalise: z.string() }), z.object({ specs: z.array(Spec) })])
const Expected = z.object({ hit: z.unknown(), error: z.string().nullable() })

export const check: Check = (input, expected) => {
  const parsed = Input.parse(input)
  if ('normalise' in parsed) {
    assert.equal(withoutVariables(parsed.normalise), expected)
    return
  }
  const groundings = parsed.specs.map(({ name, use_cases }): Grounding => {
    const useCases = use_cases.map(({ action }) => ({ action, params: {}, capabilities: [], intent: '' }))
    return { name, domain: name, version: '1', useCases, constraints: [] }
  })
  const similarities = new Map(
    groundings.flatMap(({ useCases }, at) => useCases.map((useCase, index) => [useCase, parsed.specs[at]?.use_cases[index]?.similarity ?? 0]))
  )
  const outcome = toOutcome(
    groundings,
    bestUseCase(groundings, (useCase) => similarities.get(useCase) ?? 0),
    'refuse'
  )
  const { hit, error } = Expected.parse(expected)
  assert.equal(outcome.type === 'refused' ? outcome.reason : null, error)
  const found = outcome.type === 'hit' ? outcome.hit : null
  if (hit === null || found === null) assert.equal(found, hit)
  else if (typeof hit === 'string') assert.ok([found.grounding.name, `${found.grounding.name}#${found.index}`].includes(hit), hit)
  else
    assert.partialDeepStrictEqual(
      { name: found.grounding.name, spec: found.grounding.name, action: found.useCase.action, use_case: found.index, index: found.index },
      hit
    )
}
