import assert from 'node:assert/strict'
import { parseReference } from '../../../server/plans/protocol/reference.ts'
import type { Check } from '../run.ts'

export const check: Check = (input, expected) => assert.deepEqual(parseReference(input) ?? { task: '', field: '' }, expected)
