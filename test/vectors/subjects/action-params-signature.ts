import assert from 'node:assert/strict'
import { z } from 'zod'
import { ActionParameter } from '#contracts/plan.ts'
import { fieldSignature } from '../../../server/plans/cache/shape.ts'
import type { Check } from '../run.ts'

export const check: Check = (input, expected) => {
  assert.equal(fieldSignature(z.array(ActionParameter).parse(input)), expected)
}
