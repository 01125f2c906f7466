import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  createSigningKey,
  fingerprintOfFile,
  isOpenToOthers,
  loadSigner,
  readSignerPem,
  toFingerprint
} from '../../../server/models/bundle/signing.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { refused } from './fixtures.ts'

test('a new key is for its owner alone, is never written over, and signs what its public half verifies', (t) => {
  const file = join(temporaryFolder(t), 'key.pem')
  const { fingerprint, publicKeyFile } = createSigningKey(file)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(isOpenToOthers(file), false)
  assert.equal(isOpenToOthers(publicKeyFile), true)
  assert.throws(() => createSigningKey(file), refused('conflict', /key\.pem is there already/))
  const signer = loadSigner(file)
  const reader = readSignerPem(readFileSync(publicKeyFile))
  assert.deepEqual([signer.fingerprint, reader?.fingerprint, fingerprintOfFile(publicKeyFile)], [fingerprint, fingerprint, fingerprint])
  const signature = signer.sign(Buffer.from('text'))
  assert.equal(reader?.verify(Buffer.from('text'), signature), true)
  assert.equal(reader?.verify(Buffer.from('Text'), signature), false)
})

test('a fingerprint is the sha256 of the DER form, and may be typed with colons, spaces and capitals', (t) => {
  const file = join(temporaryFolder(t), 'key.pem')
  const { fingerprint, publicKeyFile } = createSigningKey(file)
  const der = Buffer.from(readFileSync(publicKeyFile, 'latin1').split('\n')[1] ?? '', 'base64')
  assert.equal(createHash('sha256').update(der).digest('hex'), fingerprint)
  assert.equal(toFingerprint(` ${fingerprint.toUpperCase().replace(/(..)(?=.)/g, '$1:')} `), fingerprint)
  assert.equal(toFingerprint(fingerprint.slice(1)), undefined)
})

test('what is no Ed25519 key is refused with the reason', (t) => {
  const folder = temporaryFolder(t)
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const ec = write('ec.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }) as string)
  assert.throws(() => loadSigner(ec), refused('invalid_request', /ec\.pem is a key of type ec; .*Ed25519/))
  assert.throws(() => loadSigner(write('text.pem', 'hello')), refused('invalid_request', /text\.pem cannot be used as a key/))
  assert.throws(() => loadSigner(join(folder, 'none.pem')), refused('invalid_request', /none\.pem cannot be used as a key: ENOENT/))
  const locked = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
  assert.throws(() => loadSigner(write('locked.pem', locked as string)), refused('invalid_request', /locked\.pem cannot be used as a key/))
  assert.equal(readSignerPem(Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }) as string)), undefined)
  assert.equal(readSignerPem(Buffer.from('hello')), undefined)
})
