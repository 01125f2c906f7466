import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newSecret, signBody } from '../../../server/plans/webhooks/signature.ts'

test('a signature is HMAC-SHA256 over time and body, as anybody can compute it', () => {
  // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac whsec_test
  assert.equal(signBody('whsec_test', '{"a":1}', 1_700_000_000), 't=1700000000,v1=38877139021993b830af32feea6e18a8da83eb2f6e49ee50bd9e4cf4ca4d3789')
})

test('every secret is another one, of 32 random bytes', () => {
  const secrets = new Set(Array.from({ length: 50 }, newSecret))
  assert.equal(secrets.size, 50)
  for (const secret of secrets) assert.match(secret, /^whsec_[A-Za-z0-9_-]{43}$/)
})
