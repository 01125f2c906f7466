import assert from 'node:assert/strict'
import { test } from 'node:test'
import { padded, readTarHeader, toTarHeader } from '../../../server/models/bundle/tar-header.ts'

test('a header says name and size, also of files that octal digits cannot count', () => {
  for (const size of [0, 1, 512, 2 ** 32, 8 ** 11 - 1, 8 ** 11, 2 ** 50]) {
    const header = toTarHeader('weights/x', size)
    assert.deepEqual(readTarHeader(header), { name: 'weights/x', size, type: 'a file' })
    const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0)
    assert.equal(Number.parseInt(header.toString('latin1', 148, 154), 8), sum)
  }
  assert.deepEqual([0, 1, 512, 513].map(padded), [0, 512, 512, 1024])
  assert.equal(readTarHeader(Buffer.alloc(512)), undefined)
})
