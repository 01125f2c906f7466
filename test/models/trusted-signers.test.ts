import assert from 'node:assert/strict'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openTrustedSigners } from '../../server/models/trusted-signers.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { refused } from './bundle/fixtures.ts'

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

test('two who add at the same time do not lose each other', async (t) => {
  const file = join(temporaryFolder(t), 'trusted-signers.json')
  await Promise.all([one, two].map((fingerprint) => openTrustedSigners(file).add({ fingerprint, name: null, by: 'anna' })))
  assert.deepEqual(
    openTrustedSigners(file)
      .list()
      .map(({ fingerprint }) => fingerprint)
      .sort(),
    [one, two]
  )
})

test('a file that cannot be read is named instead of being taken for nobody', async (t) => {
  const file = join(temporaryFolder(t), 'trusted-signers.json')
  for (const text of ['{', '{"signers":[{"fingerprint":"x"}]}']) {
    writeFileSync(file, text)
    assert.throws(() => openTrustedSigners(file).isTrusted(one), refused('invalid_request', /trusted-signers\.json cannot be used/))
    await assert.rejects(openTrustedSigners(file).add({ fingerprint: one, name: null, by: 'anna' }), refused('invalid_request', /cannot be used/))
  }
})
