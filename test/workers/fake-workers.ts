import { join } from 'node:path'
import type { LocalModel } from '#contracts/model.ts'
import type { RedisAddress } from '../../server/queue/redis.ts'
import { log } from '../helpers/queue.ts'

/** What supervisors of workers of the fake engine have in common. */
export function fakeWorkerSettings(base: { home: string; address: RedisAddress }) {
  return {
    redis: base.address,
    blobs: join(base.home, 'blobs'),
    threads: 1,
    slots: 2,
    logLevel: 'silent',
    queueReady: Promise.resolve(),
    log,
    onProgress: () => {}
  }
}

/** A model of the fake engine, whose "weights" say how it behaves. */
export function fakeModel(id: string, file: { name: string; path: string; size: number }, contextWindow: number): LocalModel {
  return {
    entry: { id, aliases: [], name: id, description: '', kind: 'chat', engine: 'fake', licence: 'MIT', contextWindow, files: [] },
    files: [{ ...file, sha256: '' }]
  }
}
