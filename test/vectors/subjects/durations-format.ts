import assert from 'node:assert/strict'
import { z } from 'zod'
import { formatDuration } from '../../../server/plans/protocol/durations.ts'
import type { Check } from '../run.ts'

export const check: Check = (input, expected) => assert.equal(formatDuration(z.number().parse(input)), expected)
