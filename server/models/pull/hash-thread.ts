import { parentPort, workerData } from 'node:worker_threads'
import { openHashWalk } from './hash-walk.ts'

/** What the thread is started with, and what it hears and says. */
export type HashOrder = { path: string; size: number; records: Uint32Array<SharedArrayBuffer> | undefined }
export type HashCommand = { frontier: number }
export type HashReport = { at: number; bad?: number; sha256?: string; failed?: string }

// One file, hashed in a thread of its own: on a machine with two cores that is what keeps up with the network.
if (parentPort !== null) serve(workerData as HashOrder, parentPort) // `follow-hash.ts` starts it, with an order.

function serve({ path, size, records }: HashOrder, port: NonNullable<typeof parentPort>): void {
  const walk = openHashWalk(path, size, records)
  const report = (message: HashReport) => port.postMessage(message)
  port.on('message', ({ frontier }: HashCommand) => {
    try {
      const bad = walk.advance(frontier)
      const at = walk.at()
      if (bad !== undefined) report({ at, bad })
      else if (at === size) report({ at, sha256: walk.digest() })
      else report({ at })
    } catch (error) {
      report({ at: walk.at(), failed: (error as Error).message })
    }
  })
}
