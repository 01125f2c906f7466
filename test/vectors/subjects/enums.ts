import assert from 'node:assert/strict'
import { z } from 'zod'
import { WireCompensationStatus, WireResolutionState, WireServiceKind, WireStatus } from '../../../server/plans/protocol/statuses.ts'
import type { Check } from '../run.ts'

const readers = {
  status: WireStatus,
  service_type: WireServiceKind,
  compensation_status: WireCompensationStatus,
  resolution_state: WireResolutionState
}
const Input = z.object({ type: z.enum(['status', 'service_type', 'compensation_status', 'resolution_state']), json: z.string() })

export const check: Check = (input, expected) => {
  const { type, json } = Input.parse(input)
  assert.deepEqual(read(type, json), expected)
}

function read(type: keyof typeof readers, json: string): { ok: boolean; value?: string } {
  const value = parseJson(json)
  const read = readers[type].safeParse(value)
  return read.success ? { ok: true, value: read.data } : { ok: false }
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
