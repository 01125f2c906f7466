import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { dataOf, hello, open, type ScriptedJob, start, startScripted, text } from './scripted-services.ts'

const post = (url: string, body: object, headers: Record<string, string> = {}) =>
  fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })

test('a key revoked in the middle of a stream ends it with an error, and leaves the job', async () => {
  await using server = await startScripted((job) => job.emit(start, open(), text('Hel')))
  const { key, secret } = server.services.keys.create({ name: 'k', role: 'user', lane: 'normal' })
  const others = await post(server.url, { ...hello, stream: true })
  const response = await post(server.url, { ...hello, stream: true }, { 'x-api-key': secret })
  server.services.keys.revoke(key.id)
  const chunks = dataOf(await response.text())
  assert.equal((chunks.at(-1) as { error: { code: string } }).error.code, 'key_revoked')
  assert.equal(await server.jobs[1]?.left, 'key_revoked')
  assert.equal(server.jobs[0]?.hasLeft, false)
  await others.body?.cancel()
})

test('a key revoked while an answer in one piece is made ends it with 401', async () => {
  const submitted = Promise.withResolvers<void>()
  await using server = await startScripted((job) => {
    job.emit(start, open())
    submitted.resolve()
  })
  const { key, secret } = server.services.keys.create({ name: 'k', role: 'user', lane: 'normal' })
  const response = post(server.url, hello, { 'x-api-key': secret })
  await submitted.promise
  server.services.keys.revoke(key.id)
  assert.equal((await response).status, 401)
  assert.equal(await server.jobs[0]?.left, 'key_revoked')
})

test('a client that does not read is cut off at a bounded amount, and others go on', async () => {
  await using server = await startScripted((job) => job.emit(start, open(), text('first')))
  const slow = connect(Number(new URL(server.url).port), '127.0.0.1')
  slow.on('error', () => {})
  slow.pause()
  const body = JSON.stringify({ ...hello, stream: true })
  slow.write(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  )
  while (server.jobs.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const job = server.jobs[0] as ScriptedJob
  const other = await post(server.url, { ...hello, stream: true })

  let sent = 0
  const words = text('x'.repeat(8000))
  while (!job.hasLeft && sent < 200_000_000) {
    for (let i = 0; i < 10; i++) job.emit(words)
    sent += 80_000
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.ok(job.hasLeft, `${sent} bytes were taken and none refused`)
  assert.equal(await job.left, 'client_too_slow')
  // What the system's own socket buffers take, plus ours; never what the model could make.
  assert.ok(sent < 50_000_000, `${sent} bytes were taken`)
  server.jobs[1]?.emit(
    text('still here'),
    { type: 'sequence-end', index: 0, finishReason: 'stop' },
    {
      type: 'generation-end',
      usage: { promptTokens: 1, cachedTokens: 0, completionTokens: 1, reasoningTokens: 0 },
      timings: { promptMs: 0, generationMs: 0 }
    }
  )
  assert.match(await other.text(), /still here/)
  slow.resume()
  if (!slow.closed) await once(slow, 'close')
})

test('one message larger than the bound is no offence of a client that reads', async () => {
  const large = 'é'.repeat(400_000)
  await using server = await startScripted((job) => {
    job.emit(start, open(), text(large))
    job.emit(text('small'))
    job.emit({ type: 'error', code: 'timeout', message: 'enough', retryable: true })
  })
  const body = await (await post(server.url, { ...hello, stream: true })).text()
  assert.ok(body.includes(large) && body.includes('small') && body.includes('enough'))
})

test('stopping the server ends what runs with shutting_down', async () => {
  const submitted = Promise.withResolvers<void>()
  const server = await startScripted((job) => {
    job.emit(start, open(), text('Hel'))
    if (server.jobs.length === 2) submitted.resolve()
  })
  const stream = await post(server.url, { ...hello, stream: true })
  const whole = post(server.url, hello)
  await submitted.promise
  await server.app.close()
  assert.equal((dataOf(await stream.text()).at(-1) as { error: { code: string } }).error.code, 'shutting_down')
  assert.equal((await whole).status, 503)
})
