import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../../server/errors.ts'
import { createLog } from '../../../server/log.ts'
import type { Embed } from '../../../server/plans/planning/planner.ts'
import { createServiceVectors } from '../../../server/plans/planning/service-vectors.ts'
import { testService } from '../../helpers/plan-services.ts'

const log = createLog({ level: 'silent' })
const signal = new AbortController().signal
const lamp = testService('lamp', {}, {})
const chair = testService('chair', {}, {})

test('services are embedded once a version, and actions each time', async () => {
  const asked: string[][] = []
  const embed: Embed = async (texts) => {
    asked.push(texts)
    return texts.map((text) => Float32Array.from(text.includes('lamp') ? [1, 0] : [0, 1]))
  }
  const vectors = createServiceVectors({ embed, log })
  assert.deepEqual(await vectors.similarities('buy a lamp', [chair, lamp], signal), [0, 1])
  assert.deepEqual(await vectors.similarities('sit down', [chair, lamp, { ...lamp, version: 2 }], signal), [1, 0, 0])
  assert.deepEqual(asked, [
    ['buy a lamp', 'chair: chair', 'lamp: lamp'],
    ['sit down', 'lamp: lamp']
  ])
})

test('without an embedding model, or when it fails, planning goes on without', async () => {
  const absent = createServiceVectors({ embed: async () => undefined, log })
  assert.equal(await absent.similarities('x', [lamp], signal), undefined)
  const failing = createServiceVectors({ embed: () => Promise.reject(new AppError('queue_full', 'too many')), log })
  assert.equal(await failing.similarities('x', [lamp], signal), undefined)
})
