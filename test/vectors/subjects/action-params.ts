import assert from 'node:assert/strict'
import { z } from 'zod'
import { toDataObject } from '../../../server/plans/planning/action-data.ts'
import type { Check } from '../run.ts'

const Input = z.object({ params: z.array(z.object({ field: z.string(), value: z.json() })) })
const Expected = z.object({ valid: z.boolean(), json_round_trip: z.string().optional() })

export const check: Check = (input, expected) => {
  const want = Expected.parse(expected)
  const params = Input.parse(input).params.map(({ field, value }) => ({ field, value: toHostValue(value) as z.infer<ReturnType<typeof z.json>> }))
  let data: unknown
  try {
    data = toDataObject(params)
  } catch {
    assert.equal(want.valid, false)
    return
  }
  assert.equal(want.valid, true)
  if (want.json_round_trip === 'identical')
    assert.deepEqual(JSON.parse(JSON.stringify(data)), Object.fromEntries(params.map(({ field, value }) => [field, value])))
}

/** Stands for a value that JSON cannot hold. */
function toHostValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toHostValue)
  if (typeof value !== 'object' || value === null) return value
  if ('$hostValue' in value) return () => value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, toHostValue(item)]))
}
