import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayRedirectTo } from '../../../server/models/sources/http-download.ts'

test('a place outside may not lead inside, unless the owner named that place', () => {
  const rules = { airGap: false, trustedHosts: ['mirror.lan:8080'] }
  const to = new URL('http://somewhere.example/x')
  assert.ok(mayRedirectTo('93.184.216.34', to, false, rules), 'outside to outside')
  for (const address of ['127.0.0.1', '10.0.0.5', '169.254.169.254', '::1', 'fd12::1', '::ffff:192.168.0.1', '0.0.0.0', '100.64.0.1']) {
    assert.ok(!mayRedirectTo(address, to, false, rules), address)
    assert.ok(mayRedirectTo(address, to, true, rules), 'inside to inside')
    assert.ok(mayRedirectTo(address, new URL('http://mirror.lan:8080/x'), false, rules), 'to what the owner named')
  }
  assert.ok(!mayRedirectTo('10.0.0.5', new URL('http://mirror.lan:9090/x'), false, rules), 'another port is another place')
})
