import assert from 'node:assert/strict'
import { z } from 'zod'
import { ActionParameter, JsonObject } from '#contracts/plan.ts'
import { mapParameters } from '../../../server/plans/cache/parameter-mapping.ts'
import type { Check } from '../run.ts'

const Input = z.object({ action_params: z.array(ActionParameter), task0_input: JsonObject })

export const check: Check = (input, expected) => {
  const { action_params, task0_input } = Input.parse(input)
  const mappings = mapParameters(action_params, task0_input)
  assert.deepEqual(
    mappings.map(({ field, parameter, text }) => ({ field, actionField: parameter, originalValue: text })),
    expected
  )
}
