import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../helpers/folder.ts'
import { answered } from './answered.ts'
import { type Outcome, ownVectors, runVectors } from './run.ts'

const outcomes = await Array.fromAsync(runVectors(ownVectors))

for (const { subject, name, result, detail } of outcomes) {
  const title = result === 'answered' ? `the plan engine does better than the vector ${subject}: ${name}` : `vector ${subject}: ${name}`
  test(title, () => assert.notEqual(result, 'failed', detail))
}

test('every answer belongs to a vector', () => {
  const names = new Set(outcomes.map(({ subject, name }) => `${subject}: ${name}`))
  assert.deepEqual(
    Object.keys(answered).filter((name) => !names.has(name)),
    []
  )
})

test('vectors of another folder are run one by one, and one that is not met or not known fails', async (t) => {
  const folder = join(temporaryFolder(t), 'more')
  mkdirSync(folder)
  const header = { concern: 'x' }
  const vectors = [
    { name: 'right', input: '5s', expected: { ok: true, ns: 5_000_000_000 } },
    { name: 'wrong', input: '5s', expected: { ok: true, ns: 1 } }
  ]
  writeFileSync(join(folder, 'durations.json'), JSON.stringify({ header, vectors }))
  writeFileSync(join(folder, 'nobody_knows.json'), JSON.stringify({ header, vectors: vectors.slice(0, 1) }))
  const results = (await Array.fromAsync(runVectors(folder))).map(({ subject, name, result }: Outcome) => [subject, name, result])
  assert.deepEqual(results, [
    ['durations', 'right', 'passed'],
    ['durations', 'wrong', 'failed'],
    ['nobody_knows', 'right', 'failed']
  ])
})
