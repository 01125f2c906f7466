import assert from 'node:assert/strict'
import { readdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openTrustedSigners } from '../../../server/models/bundle/trusted-signers.ts'
import { takeFileLock } from '../../../server/models/file-lock.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { refused } from './fixtures.ts'

const [one, two] = ['1'.repeat(64), '2'.repeat(64)]

test('who is trusted is kept with who said so and when, for the owner alone, and can be distrusted', async (t) => {
  const folder = temporaryFolder(t)
  const file = join(folder, 'trusted-signers.json')
  const signers = openTrustedSigners(file, () => new Date('2026-11-24T12:00:00Z'))
  assert.equal(signers.isTrusted(one), false)
  await signers.add({ fingerprint: one, name: null, by: 'anna' })
  const renamed = await signers.add({ fingerprint: one, name: 'Vendor', by: 'ben' })
  assert.deepEqual(renamed, { fingerprint: one, name: 'Vendor', addedAt: '2026-11-24T12:00:00.000Z', addedBy: 'anna' })
  assert.deepEqual(openTrustedSigners(file).list(), [renamed])
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(folder), ['trusted-signers.json'])
  assert.equal(await signers.remove(two), false)
  assert.equal(await signers.remove(one), true)
  assert.equal(signers.isTrusted(one), false)
})

test('who adds waits for another who is at it, and takes nothing away from them', async (t) => {
  const folder = temporaryFolder(t)
  const [file, elsewhere] = [join(folder, 'trusted-signers.json'), join(folder, 'other.json')]
  await openTrustedSigners(elsewhere).add({ fingerprint: two, name: null, by: 'anna' })
  const lock = await takeFileLock(`${file}.lock`, new AbortController().signal)
  const adding = openTrustedSigners(file).add({ fingerprint: one, name: null, by: 'ben' })
  renameSync(elsewhere, file)
  lock[Symbol.dispose]()
  await adding
  const fingerprints = openTrustedSigners(file)
    .list()
    .map(({ fingerprint }) => fingerprint)
  assert.deepEqual(fingerprints, [two, one])
})

test('a file that cannot be read is named instead of being taken for nobody', async (t) => {
  const file = join(temporaryFolder(t), 'trusted-signers.json')
  for (const text of ['{', '{"signers":[{"fingerprint":"x"}]}']) {
    writeFileSync(file, text)
    assert.throws(() => openTrustedSigners(file).isTrusted(one), refused('invalid_request', /trusted-signers\.json cannot be used/))
    await assert.rejects(openTrustedSigners(file).add({ fingerprint: one, name: null, by: 'anna' }), refused('invalid_request', /cannot be used/))
  }
})
