import assert from 'node:assert/strict'
import { z } from 'zod'
import { readTaskZero } from '../../../server/plans/planning/plan-draft.ts'
import type { Check } from '../run.ts'

const Input = z.object({ plan_text: z.string() })
const Expected = z.object({ ok: z.boolean(), task0_input: z.unknown().optional(), reason: z.string().optional() })

export const check: Check = (input, expected) => {
  const want = Expected.parse(expected)
  const read = readTaskZero(Input.parse(input).plan_text)
  assert.equal(read.ok, want.ok)
  if (read.ok) assert.deepEqual(read.input, want.task0_input)
  else if (want.reason !== undefined) assert.equal(read.reason, want.reason)
}
