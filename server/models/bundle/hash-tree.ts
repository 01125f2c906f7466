import { createHash } from 'node:crypto'

/**
 * The checkpoints of a file: the sha256 of its first chunk, of its first two, …, of the whole. Each tells whether the chunk that ends
 * there is right, given that those before it were; and because the last one is the file's own sha256, one pass of hashing does both.
 */
export type Checkpoints = readonly string[]

export function chunkCount(size: number, chunkSize: number): number {
  return Math.ceil(size / chunkSize)
}

/** Takes in a file, chunk by chunk in its order. */
export type Checkpointer = {
  /** The checkpoint at the end of this chunk. */
  add(chunk: Uint8Array): string
  /** Whether this chunk ends at this checkpoint. One that does not is not taken in. */
  accepts(chunk: Uint8Array, checkpoint: string | undefined): boolean
}

export function createCheckpointer(): Checkpointer {
  let hash = createHash('sha256')
  return {
    add: (chunk) => hash.update(chunk).copy().digest('hex'),
    accepts(chunk, checkpoint) {
      const next = hash.copy().update(chunk)
      if (next.copy().digest('hex') !== checkpoint) return false
      hash = next
      return true
    }
  }
}

/**
 * Root of the Merkle tree over the checkpoints, as in RFC 9162 (certificate transparency): a leaf is sha256(0x00 ‖ checkpoint), a node
 * sha256(0x01 ‖ left ‖ right), and the left side takes the largest power of two that leaves something for the right.
 */
export function treeRoot(checkpoints: Checkpoints): string {
  let level = checkpoints.map((checkpoint) => hashOf(leaf, Buffer.from(checkpoint, 'hex')))
  while (level.length > 1) {
    const above: Buffer[] = []
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i] as Buffer, level[i + 1]] // i is below the length
      above.push(right === undefined ? left : hashOf(node, left, right))
    }
    level = above
  }
  return (level[0] ?? hashOf(leaf)).toString('hex')
}

const leaf = Buffer.of(0)
const node = Buffer.of(1)

function hashOf(...pieces: Buffer[]): Buffer {
  const hash = createHash('sha256')
  for (const piece of pieces) hash.update(piece)
  return hash.digest()
}
