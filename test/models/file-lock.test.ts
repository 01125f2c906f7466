import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { takeFileLock } from '../../server/models/file-lock.ts'
import { temporaryFolder } from './fixtures.ts'

/** Ends a wait that should not be one. */
const patience = AbortSignal.timeout(20_000)

test('a lock is held by one at a time, and the next gets it when it is given back', async () => {
  using folder = temporaryFolder()
  const path = join(folder.path, 'lock')
  const order: string[] = []
  const waiting = Promise.withResolvers<void>()
  let second: Promise<unknown>
  {
    using _first = await takeFileLock(path, patience)
    second = takeFileLock(path, patience, waiting.resolve).then((lock) => {
      order.push('second')
      lock[Symbol.dispose]()
    })
    await waiting.promise
    order.push('first')
  }
  await second
  assert.deepEqual(order, ['first', 'second'])
  assert.equal(existsSync(path), false)
})

test('the lock of a dead process is taken over by one of all who want it', async () => {
  using folder = temporaryFolder()
  const path = join(folder.path, 'lock')
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  writeFileSync(path, JSON.stringify({ token: 'x', pid, host: hostname() }))
  let holders = 0
  let most = 0
  const work = async () => {
    using _lock = await takeFileLock(path, patience)
    most = Math.max(most, ++holders)
    await new Promise((resolve) => setImmediate(resolve))
    holders--
  }
  await Promise.all([work(), work(), work()])
  assert.equal(most, 1)
})

test('the lock of another machine counts until it was not touched for long', async () => {
  using folder = temporaryFolder()
  const path = join(folder.path, 'lock')
  writeFileSync(path, JSON.stringify({ token: 'x', pid: 1, host: 'elsewhere' }))
  const stop = new AbortController()
  const held = takeFileLock(path, stop.signal, () => stop.abort())
  await assert.rejects(held, { name: 'AbortError' })
  const longAgo = new Date(Date.now() - 60_000)
  utimesSync(path, longAgo, longAgo)
  using _lock = await takeFileLock(path, patience)
  assert.ok(existsSync(path))
})
