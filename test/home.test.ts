import assert from 'node:assert/strict'
import { chmodSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gatewayId, prepareHome } from '../server/home.ts'
import { temporaryFolder } from './helpers/folder.ts'

test('a home folder is made with all that lies above it, for its owner alone, and taken as it is when it is there', (t) => {
  const home = join(temporaryFolder(t), 'a', 'b')
  prepareHome(home)
  assert.equal(statSync(home).mode & 0o777, 0o700)
  prepareHome(home)
})

test('where no folder can be, it ends with the reason', (t) => {
  const file = join(temporaryFolder(t), 'file')
  writeFileSync(file, '')
  for (const home of [file, join(file, 'below'), ...(process.platform === 'linux' ? ['/proc/outpost', '/proc/outpost/below'] : [])]) {
    assert.throws(() => prepareHome(home), { code: 'internal_error', message: /^the home folder .* cannot be used \(\w+\): make it writable/ }, home)
  }
})

test('a gateway keeps its name, and gets a new one when the file was broken', (t) => {
  const home = temporaryFolder(t)
  const id = gatewayId(home)
  assert.match(id, /^gw-[0-9a-f]{12}$/)
  assert.equal(gatewayId(home), id)
  writeFileSync(join(home, 'gateway-id'), 'gw-')
  chmodSync(join(home, 'gateway-id'), 0o600)
  assert.notEqual(gatewayId(home), id)
})
