import assert from 'node:assert/strict'
import { z } from 'zod'
import { cutReasoning } from '../../../server/plans/planning/answer-text.ts'
import type { Check } from '../run.ts'

export const check: Check = (input, expected) => assert.deepEqual(cutReasoning(z.string().parse(input)), expected)
