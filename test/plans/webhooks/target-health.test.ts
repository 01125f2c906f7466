import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTargetHealth } from '../../../server/plans/webhooks/target-health.ts'

function setUp(random = 0.5) {
  let elapsed = 0
  const health = createTargetHealth({ elapsed: () => elapsed, random: () => random })
  const pass = (ms: number) => {
    elapsed += ms
  }
  return { health, pass }
}

test('a target that is away is left alone twice as long each time, up to ten minutes, and asked by one message', () => {
  const { health, pass } = setUp()
  assert.equal(health.atOnce, 8)
  const pauses: number[] = []
  for (let index = 0; index < 12; index++) {
    health.missed(health.begin(), 0)
    pauses.push(health.pauseMs() / 1000)
    pass(health.pauseMs())
  }
  assert.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600])
  assert.equal(health.atOnce, 1)
  assert.equal(health.accepted(), true)
  assert.deepEqual([health.atOnce, health.pauseMs(), health.awayMs()], [8, 0, 0])
  assert.equal(health.accepted(), false)
})

test('pauses are spread, so that targets of one machine are not asked at the same moment', () => {
  const pauseOf = (random: number) => {
    const { health } = setUp(random)
    return health.missed(health.begin(), 0)
  }
  assert.deepEqual([pauseOf(0), pauseOf(0.5), pauseOf(1)], [800, 1000, 1200])
})

test('messages that were sent together and failed together are one failure', () => {
  const { health } = setUp()
  const begun = [health.begin(), health.begin(), health.begin()]
  for (const one of begun) health.missed(one, 0)
  assert.equal(health.pauseMs(), 1000)
})

test('a target says itself when to come back, but not after more than ten minutes', () => {
  const { health, pass } = setUp()
  health.missed(health.begin(), 30_000)
  assert.equal(health.pauseMs(), 30_000)
  pass(30_000)
  health.missed(health.begin(), 86_400_000)
  assert.equal(health.pauseMs(), 600_000)
})

test('a refusal delays what was refused, and many without an acceptance delay all', () => {
  const { health } = setUp()
  for (let index = 1; index < 8; index++) assert.equal(health.refused(health.begin(), 1), 1000)
  assert.deepEqual([health.isAway, health.pauseMs()], [false, 0])
  health.refused(health.begin(), 1)
  assert.deepEqual([health.isAway, health.pauseMs()], [true, 1000])
  health.retryNow()
  assert.equal(health.pauseMs(), 0)
  health.accepted()
  assert.equal(health.refused(health.begin(), 4), 8000)
  assert.equal(health.isAway, false)
})
