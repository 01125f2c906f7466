import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration, parseDuration, readDurationMs } from '../../../server/plans/protocol/durations.ts'

test('durations are read as Go reads them', () => {
  const cases: [value: unknown, nanoseconds: number | undefined][] = [
    ['0', 0],
    ['-0', 0],
    ['+1.5h', 5_400_000_000_000],
    ['-1m5s', -65_000_000_000],
    ['.5s', 500_000_000],
    ['1.s', 1_000_000_000],
    ['1h2m3s4ms5us6ns', 3_723_004_005_006],
    ['3µs', 3000],
    ['3μs', 3000],
    ['1.7ns', 1],
    ['2562047h', 9_223_369_200_000_000_000],
    ['2562048h', undefined],
    ['.s', undefined],
    ['s', undefined],
    ['', undefined],
    ['-', undefined],
    ['+-1s', undefined],
    [' 1s', undefined],
    ['1 s', undefined],
    ['1S', undefined],
    ['1d', undefined],
    ['1h30', undefined],
    ['1e3s', undefined],
    [`${'9'.repeat(1000)}s`, undefined],
    [30_000_000_000, 30_000_000_000],
    [1.9, 1],
    [1e300, undefined],
    [Number.NaN, undefined],
    [{ Duration: 5 }, 5],
    [{ duration: 5 }, 5],
    [{ Duration: '5s' }, undefined],
    [{ Duration: 1.5 }, undefined],
    [{}, undefined],
    [[], undefined],
    [null, undefined],
    [undefined, undefined]
  ]
  for (const [value, nanoseconds] of cases) assert.equal(parseDuration(value), nanoseconds, JSON.stringify(value)?.slice(0, 50))
})

test('what was read is written back as the same duration', () => {
  for (const text of ['1h0m0s', '1m0.5s', '1m30s', '59.999999999s', '1.5ms', '1.000001ms', '1.5µs', '100ns', '-1m30s', '0s', '596h31m23.647s']) {
    assert.equal(formatDuration(parseDuration(text) ?? Number.NaN), text)
  }
})

test('a timeout that cannot be used is refused by its name, with what was got', () => {
  assert.equal(readDurationMs('45s', 'timeout'), 45_000)
  assert.equal(readDurationMs('1ns', 'timeout'), 1, 'never rounded down to none')
  assert.throws(() => readDurationMs('30', 'timeout'), {
    code: 'invalid_request',
    param: 'timeout',
    message: /timeout must be a duration .* got "30"/
  })
  assert.throws(() => readDurationMs('-1s', 'timeout'), { code: 'invalid_request', message: /between 0s and 596h31m23\.647s, got "-1s"/ })
  assert.throws(() => readDurationMs('600h', 'healthCheckGracePeriod'), { code: 'invalid_request', param: 'healthCheckGracePeriod' })
})
