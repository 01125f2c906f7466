import assert from 'node:assert/strict'
import { z } from 'zod'
import { AppError } from '../../../server/errors.ts'
import { Draft, DraftUseCase, findSpecProblem, findUseCaseProblem, parseGrounding } from '../../../server/plans/grounding/grounding-spec.ts'
import type { Check } from '../run.ts'

const Input = z.union([z.object({ spec: z.unknown() }), z.object({ use_case: z.unknown() })])
const Expected = z.object({ valid: z.boolean(), field: z.string().optional(), rule: z.string().optional() })

export const check: Check = (input, expected) => {
  const wanted = Expected.parse(expected)
  const parsed = Input.parse(input)
  const problem = 'spec' in parsed ? findSpecProblem(Draft.parse(parsed.spec)) : findUseCaseProblem(DraftUseCase.parse(parsed.use_case))
  assert.equal(problem === undefined, wanted.valid, problem?.message)
  if (wanted.rule !== undefined) assert.equal(problem?.rule, wanted.rule)
  if (wanted.field !== undefined) assert.equal(problem?.field, wanted.field)
  if (!('spec' in parsed)) return
  const param = problem?.field
  if (param === undefined) parseGrounding(parsed.spec)
  else
    assert.throws(
      () => parseGrounding(parsed.spec),
      (error) => error instanceof AppError && error.code === 'invalid_request' && error.param === param
    )
}
