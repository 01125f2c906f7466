import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createProgressWriter, drawProgress, rateOf, tellProgress } from '../../../server/models/pull/progress.ts'

const MB = 1_000_000
const samples = [
  { received: 0, total: 100 * MB, at: 0 },
  { received: 25 * MB, total: 100 * MB, at: 2500 }
]

test('a line shows name, bar, percent, bytes, rate and time left', () => {
  assert.equal(drawProgress('weights.gguf', samples, 120), 'weights.gguf  ██████░░░░░░░░░░░░░░░░░░  25 %  25 MB of 100 MB  10 MB/s  8 s left')
  assert.equal(tellProgress('weights.gguf', samples), 'weights.gguf: 25 %, 25 MB of 100 MB, 10 MB/s')
})

test('a narrow terminal loses the least important parts first, and never wraps', () => {
  assert.equal(drawProgress('weights.gguf', samples, 70), 'weights.gguf  ██████░░░░░░░░░░░░░░░░░░  25 %  25 MB of 100 MB  10 MB/s'.slice(0, 70))
  assert.equal(drawProgress('weights.gguf', samples, 50), 'weights.gguf  ██████░░░░░░░░░░░░░░░░░░  25 %')
  assert.equal(drawProgress('weights.gguf', samples, 5), 'weigh')
})

test('100 % is only said when all is there, and the rate only when something came', () => {
  assert.match(drawProgress('x', [{ received: 999_999, total: MB, at: 0 }], 80), / 99 %/)
  assert.match(drawProgress('x', [{ received: MB, total: MB, at: 0 }], 80), /100 %/)
  assert.equal(rateOf(samples.slice(0, 1)), undefined)
  assert.equal(rateOf([samples[1]!, { ...samples[1]!, at: 5000 }]), undefined)
})

test('the rate is that of the last seconds, not of the whole', () => {
  const stalledThenFast = [
    { received: 0, total: 100 * MB, at: 0 },
    { received: 1 * MB, total: 100 * MB, at: 60_000 },
    { received: 11 * MB, total: 100 * MB, at: 61_000 }
  ]
  assert.equal(rateOf(stalledThenFast), 10 * MB)
})

function recorder(isTTY: boolean) {
  const written: string[] = []
  return { written, stream: { write: (text: string) => written.push(text), isTTY, columns: 80 } }
}

test('in a pipe there is one line for each tenth', () => {
  const { written, stream } = recorder(false)
  let clock = 0
  const writer = createProgressWriter(stream, () => ++clock)
  for (let received = 0; received <= 1000; received++) writer.update('x', received, 1000)
  writer.end()
  assert.equal(written.length, 11)
  assert.ok(written.every((line) => line.startsWith('x: ') && line.endsWith('\n') && !line.includes('\r')))
})

test('on a terminal one line redraws itself ten times a second at most, ends at 100 % and is closed', () => {
  const { written, stream } = recorder(true)
  let clock = 0
  const writer = createProgressWriter(stream, () => ++clock)
  for (let received = 1; received <= 1000; received++) writer.update('x', received, 1000)
  writer.end()
  assert.ok(written.length <= 12)
  assert.ok(written.slice(0, -1).every((text) => text.startsWith('\r') && text.endsWith('\u001b[K') && text.length < 90))
  assert.match(written.at(-2) ?? '', /100 %/)
  assert.equal(written.at(-1), '\n')
})
