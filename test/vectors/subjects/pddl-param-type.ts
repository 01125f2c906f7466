import assert from 'node:assert/strict'
import { z } from 'zod'
import { parameterType } from '../../../server/plans/grounding/pddl-names.ts'
import type { Check } from '../run.ts'

export const check: Check = (input, expected) => {
  assert.equal(parameterType(z.string().parse(input)), expected)
}
