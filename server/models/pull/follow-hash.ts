import { Worker } from 'node:worker_threads'
import type { HashCommand, HashOrder, HashReport } from './hash-thread.ts'
import { openHashWalk } from './hash-walk.ts'

/** Hashes a file behind its download. */
export type HashFollower = {
  /** The file is whole up to here. Does not wait. */
  advance(frontier: number): void
  /** To be called when all of it is here. `bad`: a block whose bytes on the disk are not those that came; it must come again. */
  finish(): Promise<{ sha256: string } | { bad: number }>
  [Symbol.asyncDispose](): Promise<void>
}

/** Smaller files are hashed where they are fetched: a thread would cost more than they do. */
const threadBytes = 8 * 1024 * 1024
const tellEach = 4 * 1024 * 1024

export function followHash(order: HashOrder): HashFollower {
  return order.size < threadBytes ? hashHere(order) : hashInThread(order)
}

function hashHere({ path, size, records }: HashOrder): HashFollower {
  let walk: ReturnType<typeof openHashWalk> | undefined
  return {
    advance: () => {},
    async finish() {
      walk ??= openHashWalk(path, size, records)
      const bad = walk.advance(size)
      return bad === undefined ? { sha256: walk.digest() } : { bad }
    },
    [Symbol.asyncDispose]: async () => walk?.close()
  }
}

function hashInThread(order: HashOrder): HashFollower {
  const worker = new Worker(new URL('./hash-thread.ts', import.meta.url), { workerData: order })
  let told = 0
  // Each command has one report; only the last of them tells how things are now.
  let unanswered = 0
  let last: HashReport = { at: 0 }
  let failure: Error | undefined
  let changed: () => void = () => {}
  worker.on('message', (report: HashReport) => {
    last = report
    unanswered--
    changed()
  })
  worker.on('error', (error: Error) => {
    failure = error
    changed()
  })
  const tell = (frontier: number) => {
    told = frontier
    unanswered++
    worker.postMessage({ frontier } satisfies HashCommand)
  }
  return {
    // One message for many blocks: the thread has enough to do with hashing.
    advance(frontier) {
      if (frontier - told >= tellEach) tell(frontier)
    },
    async finish() {
      tell(order.size)
      for (;;) {
        if (failure !== undefined) throw failure
        if (unanswered === 0) break
        await new Promise<void>((resolve) => {
          changed = resolve
        })
      }
      if (last.failed !== undefined) throw new Error(last.failed)
      return last.bad === undefined ? { sha256: last.sha256 ?? '' } : { bad: last.bad }
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate()
    }
  }
}
