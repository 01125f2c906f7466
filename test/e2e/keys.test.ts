import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { after, test } from 'node:test'
import { temporaryFolder } from '../helpers/folder.ts'
import { callOwner } from '../helpers/owner.ts'
import { problemOf } from '../helpers/problem.ts'
import { until } from '../helpers/processes.ts'
import { startTestServer } from '../helpers/server.ts'

// One server that listens on every address, as one on a LAN behind no TLS proxy would: a key must exist, and --insecure-http be said.
const adminKey = 'op-bootstrap-0123456789abcdef'
const env = { OUTPOST_ADMIN_KEY: adminKey }
const open = await startTestServer({ after }, { env, args: ['--host', '0.0.0.0', '--insecure-http'] })
const port = new URL(open.url).port
const lan = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === 'IPv4' && !address.internal)?.address

const owner = async (method: string, path: string, body?: unknown, socket = open.socket) => {
  const reply = await callOwner(socket, method, path, body)
  return { status: reply.status, ...JSON.parse(await reply.text()) }
}
const createKey = async (name: string) => (await owner('POST', '/outpost/keys', { name })) as { key: { id: string }; secret: string }
const call = (headers: Record<string, string>, options: { content?: string; stream?: boolean; base?: string } = {}) =>
  fetch(`${options.base ?? `http://127.0.0.1:${port}`}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({
      model: 'fake',
      stream: options.stream ?? false,
      messages: [{ role: 'user', content: options.content ?? 'fake: tokens=2' }]
    })
  })
const codeOf = async (response: Response) => {
  const { status, code } = await problemOf(response)
  return [status, code]
}

test('a key made over the owner’s door opens the server in both header forms, on every address', async () => {
  const { secret } = await createKey('laptop')
  for (const base of [`http://127.0.0.1:${port}`, ...(lan === undefined ? [] : [`http://${lan}:${port}`])]) {
    assert.equal((await call({ authorization: `Bearer ${secret}` }, { base })).status, 200, base)
    assert.equal((await call({ 'x-api-key': secret }, { base })).status, 200, base)
    assert.deepEqual(await codeOf(await call({}, { base })), [401, 'unauthorized'], base)
    assert.deepEqual(await codeOf(await call({ authorization: 'Bearer op-wrong' }, { base })), [401, 'unauthorized'], base)
  }
  const listed = JSON.stringify(await owner('GET', '/outpost/keys'))
  assert.ok(listed.includes('laptop') && !listed.includes(secret), 'a secret is shown once')
  assert.equal((await fetch(`http://127.0.0.1:${port}/outpost/keys`, { headers: { 'x-api-key': secret } })).status, 403)
})

test('a key that is revoked in the middle of a stream ends it with key_revoked, and the engine stops', async () => {
  const { key, secret } = await createKey('to be revoked')
  const response = await call({ 'x-api-key': secret }, { stream: true, content: 'fake: tokens=100000 stepMs=1' })
  assert.equal(response.status, 200)
  let text = ''
  let revoked = false
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    if (revoked || !text.includes('quick')) continue
    revoked = true
    assert.equal((await owner('POST', `/outpost/keys/${key.id}/revoke`)).status, 200)
  }
  const last = text.trimEnd().split('\n\n').at(-1) ?? ''
  assert.equal(JSON.parse(last.replace(/^data: /, '')).error.code, 'key_revoked')
  assert.ok(!text.includes('[DONE]'))
  const isIdle = async () => (await owner('GET', '/outpost/queue')).queues.every((queue: { running: number }) => queue.running === 0)
  await until(isIdle, 'the engine stops')
  const rowOf = async () => (await owner('GET', '/outpost/usage?by=request&limit=1')).rows[0]
  await until(async () => (await rowOf()).clientId === key.id, 'it is booked')
  const { errorCode, finishReason, usage } = await rowOf()
  assert.deepEqual([errorCode, finishReason], ['key_revoked', 'cancelled'], JSON.stringify(usage))
  assert.deepEqual(await codeOf(await call({ 'x-api-key': secret })), [401, 'key_revoked'])
})

test('a rotated key has a new secret, and the old one ends at once', async () => {
  const { key, secret } = await createKey('rotated')
  const fresh = await owner('POST', `/outpost/keys/${key.id}/rotate`)
  assert.equal((await call({ 'x-api-key': secret })).status, 401)
  assert.equal((await call({ 'x-api-key': fresh.secret })).status, 200)
})

test('on loopback no key is needed, until there are keys a wrong one is none, and a forwarded request is never local', async (t) => {
  const home = temporaryFolder(t)
  const server = await startTestServer(t, { home })
  const base = server.url
  assert.equal((await call({}, { base })).status, 200)
  assert.equal((await call({ authorization: 'Bearer sk-whatever' }, { base })).status, 200)
  for (const header of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via']) {
    assert.deepEqual(await codeOf(await call({ [header]: '127.0.0.1' }, { base })), [401, 'unauthorized'], header)
  }
  await owner('POST', '/outpost/keys', { name: 'first' }, server.socket)
  assert.deepEqual(await codeOf(await call({ authorization: 'Bearer sk-whatever' }, { base })), [401, 'unauthorized'])
  assert.equal((await call({}, { base })).status, 200)
  assert.equal((await fetch(`${base}/outpost/keys`)).status, 403)
})

test('listening on the network is refused in one line without a key, and without TLS unless that is accepted', async (t) => {
  await assert.rejects(
    startTestServer(t, { args: ['--host', '0.0.0.0'] }),
    /^outpost: listening on 0\.0\.0\.0 lets others in, and there is no key yet.*$/m
  )
  await assert.rejects(
    startTestServer(t, { args: ['--host', '0.0.0.0'], env }),
    /^outpost: listening on 0\.0\.0\.0 without TLS .*--insecure-http.*$/m
  )
})
