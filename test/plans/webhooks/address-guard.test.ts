import assert from 'node:assert/strict'
import type { LookupAddress } from 'node:dns'
import { test } from 'node:test'
import { createAddressGuard } from '../../../server/plans/webhooks/address-guard.ts'
import { createPoster } from '../../../server/plans/webhooks/post.ts'
import { onEnd } from '../../helpers/on-end.ts'
import { startHookTarget } from './hook-target.ts'

const open = createAddressGuard({ airGap: false, lanAllow: [] })
const closed = createAddressGuard({ airGap: true, lanAllow: [] })
const listed = createAddressGuard({ airGap: false, lanAllow: ['10.1.0.0/16', 'hooks.lan', '169.254.0.0/16', 'fd00:1::/32'] })

test('this machine and private networks may be called, behind the air gap too', () => {
  for (const host of [
    '127.0.0.1',
    '127.9.9.9',
    '[::1]',
    '10.0.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    '[fd00::1]',
    'localhost',
    'hooks.lan'
  ]) {
    for (const guard of [open, closed]) assert.equal(guard.checkUrl(`http://${host}:8080/hook?x=1`).pathname, '/hook', host)
  }
})

test('the outside may be called while the air gap is off', () => {
  for (const host of ['8.8.8.8', '[2606:4700::1111]', '172.32.0.1', '[::ffff:8.8.8.8]', '[64:ff9b::808:808]', '[2002:808:808::1]']) {
    assert.ok(open.checkUrl(`https://${host}/`), host)
    assert.throws(() => closed.checkUrl(`https://${host}/`), { code: 'policy_denied', message: /OUTPOST_AIR_GAP is on/ }, host)
  }
})

test('link-local, metadata, unspecified and group addresses are refused in every way of writing them', () => {
  const hosts = [
    '169.254.169.254',
    '169.254.1.1',
    '[fe80::1]',
    '[fd00:ec2::254]',
    '100.100.100.200',
    '0.0.0.0',
    '0',
    '0.1.2.3',
    '[::]',
    '224.0.0.1',
    '239.255.255.255',
    '255.255.255.255',
    '[ff02::1]',
    // The same metadata address as a number, in hexadecimal, in octal, and wrapped in IPv6 by its four usual ways.
    '2852039166',
    '0xa9fea9fe',
    '0251.0376.0251.0376',
    '169.254.43518',
    '[::ffff:169.254.169.254]',
    '[::ffff:a9fe:a9fe]',
    '[::a9fe:a9fe]',
    '[64:ff9b::a9fe:a9fe]',
    '[2002:a9fe:a9fe::]',
    '[2001:0:1:2:3:4:5:6]'
  ]
  for (const host of hosts) assert.throws(() => open.checkUrl(`http://${host}/`), { code: 'policy_denied' }, host)
})

test('a private address that is written as another kind of address is still private', () => {
  const strict = createAddressGuard({ airGap: false, lanAllow: ['hooks.lan'] })
  for (const host of [
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '127.0.0.1.',
    '[::ffff:127.0.0.1]',
    '[::7f00:1]',
    '[64:ff9b::a00:1]',
    '[2002:c0a8:101::]'
  ]) {
    assert.throws(() => strict.checkUrl(`http://${host}/`), { code: 'policy_denied', message: /OUTPOST_LAN_ALLOW/ }, host)
  }
})

test('with a list, only what it names inside may be called, but for metadata services', () => {
  assert.ok(listed.checkUrl('http://10.1.2.3/'))
  assert.ok(listed.checkUrl('http://[::ffff:10.1.2.3]/'))
  assert.ok(listed.checkUrl('http://169.254.7.7/'))
  assert.ok(listed.checkUrl('http://[fd00:1::7]/'))
  for (const host of ['10.2.0.1', '127.0.0.1', '[::1]', '[fd00:2::7]', '169.254.169.254']) {
    assert.throws(() => listed.checkUrl(`http://${host}/`), { code: 'policy_denied' }, host)
  }
  assert.equal(listed.refusal('hooks.lan', '192.168.7.7'), undefined)
  assert.equal(listed.refusal('HOOKS.lan.', '192.168.7.7'), undefined, 'names in any case, with their dot')
  assert.match(listed.refusal('other.lan', '192.168.7.7') ?? '', /other\.lan \(192\.168\.7\.7\) .* OUTPOST_LAN_ALLOW/)
  assert.match(listed.refusal('hooks.lan', '169.254.169.254') ?? '', /no address that anything may be sent to/)
  assert.match(closed.refusal('hooks.lan', '8.8.8.8') ?? '', /OUTPOST_AIR_GAP is on, and hooks\.lan \(8\.8\.8\.8\)/)
})

test('only whole http and https addresses without credentials are taken, and a password is not repeated', () => {
  for (const url of [
    '',
    'nope',
    '/hook',
    '//host/hook',
    'http:/host',
    'http://',
    'ftp://host/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    `http://host/${'x'.repeat(2048)}`
  ]) {
    assert.throws(() => open.checkUrl(url), { code: 'invalid_request', param: 'url' }, url)
  }
  assert.throws(() => open.checkUrl('http://token@hooks.lan/'), { code: 'invalid_request', message: /no user name/ })
  assert.throws(
    () => open.checkUrl('http://somebody:canary@hooks.lan/'),
    (error: Error) => /no user name and no password/.test(error.message) && !error.message.includes('canary')
  )
})

/** Posts to a name that stands for these addresses, one set after another. */
function posterOf(t: Parameters<typeof onEnd>[0], answers: string[][]) {
  let asked = 0
  const guard = createAddressGuard({ airGap: true, lanAllow: [] }, (_hostname, callback) => {
    const addresses = answers[Math.min(asked++, answers.length - 1)] ?? []
    callback(
      null,
      addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 }))
    )
  })
  const poster = createPoster({ guard, timeoutMs: 5000 })
  onEnd(t, () => poster.close())
  return { poster, asked: () => asked }
}

test('a name is looked up once, and the connection goes to the address that was checked', async (t) => {
  const target = await startHookTarget(t)
  const { poster, asked } = posterOf(t, [['127.0.0.1'], ['169.254.169.254']])
  const outcome = await poster.post(`http://hooks.example:${target.port}/hook`, {}, '{}')
  assert.deepEqual(outcome, { status: 200, retryAfterMs: 0 })
  assert.equal(asked(), 1)
  assert.equal(target.hooks[0]?.headers.host, `hooks.example:${target.port}`)
})

test('a name that comes to stand for a refused address is refused where the connection is made', async (t) => {
  const target = await startHookTarget(t, (_hook, response) => void response.setHeader('connection', 'close').end())
  const { poster } = posterOf(t, [['127.0.0.1'], ['169.254.169.254'], ['127.0.0.1', '8.8.8.8'], []])
  const post = () => poster.post(`http://hooks.example:${target.port}/hook`, {}, '{}')
  assert.equal((await post()).status, 200)
  for (const why of [/169\.254\.169\.254/, /8\.8\.8\.8/]) {
    const outcome = await post()
    assert.ok(outcome.status === null && why.test(outcome.error), JSON.stringify(outcome))
  }
  assert.equal((await post()).status, null, 'a name without any address')
  assert.equal(target.hooks.length, 1)
})

test('an address that has become forbidden since its webhook was made is not called', async (t) => {
  const { poster, asked } = posterOf(t, [])
  const outcome = await poster.post('http://8.8.8.8/hook', {}, '{}')
  assert.ok(outcome.status === null && /OUTPOST_AIR_GAP is on/.test(outcome.error), JSON.stringify(outcome))
  assert.equal(asked(), 0)
})
