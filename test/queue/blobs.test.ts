import assert from 'node:assert/strict'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isLarge, largestInlineRequest, openBlobStore } from '../../server/queue/blobs.ts'
import { temporaryFolder } from '../helpers/folder.ts'

test('a value comes back as it was written, for its owner alone, and is gone when removed', async (t) => {
  const folder = join(temporaryFolder(t), 'blobs')
  const blobs = openBlobStore(folder)
  const value = { text: 'zoë '.repeat(10_000), list: [1, null, { a: true }] }
  await blobs.write('job-1', value)
  assert.deepEqual(blobs.read('job-1'), value)
  assert.deepEqual(readdirSync(folder), ['job-1'])
  assert.equal(statSync(folder).mode & 0o077, 0)
  assert.equal(statSync(join(folder, 'job-1')).mode & 0o077, 0)
  await blobs.remove('job-1')
  await blobs.remove('job-1')
  assert.throws(() => blobs.read('job-1'), { code: 'internal_error' })
})

test('a blob that was cut short is an error, not half a request', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'job-1'), '{"text":"zo')
  assert.throws(() => openBlobStore(folder).read('job-1'), { code: 'internal_error', message: /job-1 cannot be read/ })
})

test('sweeping takes away what no job refers to, also half-written files of a crash', async (t) => {
  const folder = temporaryFolder(t)
  const blobs = openBlobStore(folder)
  await blobs.write('wanted', 1)
  await blobs.write('unwanted', 2)
  writeFileSync(join(folder, 'crashed.part'), '{')
  assert.equal(
    blobs.sweep((jobId) => jobId === 'wanted'),
    2
  )
  assert.deepEqual(readdirSync(folder), ['wanted'])
})

test('a request counts as large by the characters in it, wherever they are', () => {
  const text = (length: number) => 'x'.repeat(length)
  assert.equal(isLarge({ messages: [{ content: text(100) }] }), false)
  assert.equal(isLarge({ messages: [{ content: text(largestInlineRequest) }] }), true)
  assert.equal(isLarge({ [text(largestInlineRequest)]: 1 }), true)
  assert.equal(isLarge(Array.from({ length: largestInlineRequest }, () => null)), true)
  for (const value of [{ a: 'b', c: [1, true, null] }, ['one', 'two'], 'text']) {
    assert.equal(isLarge(value, JSON.stringify(value).length * 3), false)
    assert.equal(isLarge(value, 1), true)
  }
})
