import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { setPriority } from 'node:os'

// A process that reads one file and tells its sha256 (`hash-file.ts`). It has nothing else to do, so it reads synchronously.
const [, , path = '', rateText = '0'] = process.argv
const rate = Number(rateText)
const chunkBytes = 4 * 2 ** 20
const tellEvery = 64 * 2 ** 20

// Who asked is gone: so is the reason.
process.on('disconnect', () => process.exit(1))

try {
  setPriority(19)
} catch {
  // Not allowed everywhere; then it competes like everybody else.
}
try {
  send({ sha256: hash() })
} catch (error) {
  send({ reason: (error as Error).message })
}

function hash(): string {
  const file = openSync(path, 'r')
  try {
    const sum = createHash('sha256')
    const buffer = Buffer.allocUnsafe(chunkBytes)
    const startedAt = performance.now()
    let received = 0
    let told = 0
    for (;;) {
      const bytes = readSync(file, buffer, 0, chunkBytes, null)
      if (bytes === 0) return sum.digest('hex')
      sum.update(buffer.subarray(0, bytes))
      received += bytes
      if (received - told >= tellEvery) {
        told = received
        process.send?.({ received })
      }
      if (rate > 0) pause(startedAt + (received / rate) * 1000 - performance.now())
    }
  } finally {
    closeSync(file)
  }
}

function send(message: object): void {
  process.send?.(message, () => process.exit(0))
}

function pause(ms: number): void {
  if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
