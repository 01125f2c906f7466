import assert from 'node:assert/strict'
import { z } from 'zod'
import { isExactTaskZeroReference } from '../../../server/plans/protocol/reference.ts'
import type { Check } from '../run.ts'

export const check: Check = (input, expected) => assert.equal(isExactTaskZeroReference(z.string().parse(input)), expected)
