import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { createCheckpointer, treeRoot } from '../../../server/models/bundle/hash-tree.ts'
import { sha256Of, someBytes } from '../fixtures.ts'

const sha = (...pieces: Buffer[]) => createHash('sha256').update(Buffer.concat(pieces)).digest()

/** As RFC 9162 defines it, word for word: split at the largest power of two below the number of leaves. */
function rootByDefinition(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 1) return sha(Buffer.of(0), leaves[0] ?? Buffer.of())
  const split = 2 ** (Math.ceil(Math.log2(leaves.length)) - 1)
  return sha(Buffer.of(1), rootByDefinition(leaves.slice(0, split)), rootByDefinition(leaves.slice(split)))
}

test('the root is that of RFC 9162, for every shape of tree', () => {
  for (let count = 1; count <= 70; count++) {
    const checkpoints = Array.from({ length: count }, () => sha256Of(someBytes(8)))
    assert.equal(treeRoot(checkpoints), rootByDefinition(checkpoints.map((line) => Buffer.from(line, 'hex'))).toString('hex'), `${count} leaves`)
  }
})

test('a checkpoint is the hash of all up to there, and a wrong chunk is not taken in', () => {
  const chunks = [someBytes(100), someBytes(100), someBytes(7)]
  const prefixes = chunks.map((_, i) => sha256Of(Buffer.concat(chunks.slice(0, i + 1))))
  const writer = createCheckpointer()
  assert.deepEqual(
    chunks.map((chunk) => writer.add(chunk)),
    prefixes
  )
  const reader = createCheckpointer()
  for (const [i, chunk] of chunks.entries()) {
    assert.equal(reader.accepts(someBytes(100), prefixes[i]), false)
    assert.equal(reader.accepts(chunk, undefined), false)
    assert.equal(reader.accepts(chunk, prefixes[i]), true)
  }
})
