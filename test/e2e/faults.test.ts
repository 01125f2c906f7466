import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../helpers/folder.ts'
import { callOwner } from '../helpers/owner.ts'
import { descendantsOf, isAlive, redisOf, until, workersOf } from '../helpers/processes.ts'
import { startTestServer, type TestServer } from '../helpers/server.ts'

const chat = (server: TestServer, content: string, signal?: AbortSignal) =>
  fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'fake', stream: true, messages: [{ role: 'user', content }] }),
    ...(signal === undefined ? {} : { signal })
  })

async function* dataOf(response: Response): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    rest += chunk
    const parts = rest.split('\n\n')
    rest = parts.pop() ?? ''
    for (const part of parts) if (part.startsWith('data: ')) yield part.slice(6)
  }
}

test('a worker killed in the middle of an answer ends it with a retryable error, and the next request is answered', async (t) => {
  const server = await startTestServer(t)
  const response = await chat(server, 'fake: tokens=100000 stepMs=5')
  const [worker] = workersOf(server.child.pid!)
  let last = ''
  let killed = false
  for await (const data of dataOf(response)) {
    last = data
    if (!killed && data.includes('quick')) {
      killed = true
      process.kill(worker!, 'SIGKILL')
    }
  }
  const { error } = JSON.parse(last)
  assert.equal(error.code, 'worker_lost')
  const again = await chat(server, 'fake: tokens=2')
  assert.equal(again.status, 200)
  assert.equal((await Array.fromAsync(dataOf(again))).at(-1), '[DONE]')
})

test('a worker killed before it sent anything: the request runs again and its reader sees one whole answer', async (t) => {
  const server = await startTestServer(t)
  const once = join(temporaryFolder(t), 'crashed')
  const response = await chat(server, `fake: tokens=3 prefillMs=50 crashAfter=0 crashOnce=${once}`)
  const data = await Array.fromAsync(dataOf(response))
  assert.ok(existsSync(once), 'it crashed once')
  assert.equal(data.at(-1), '[DONE]')
  const text = data
    .slice(0, -1)
    .map((line) => JSON.parse(line).choices[0]?.delta.content ?? '')
    .join('')
  assert.equal(text, 'the quick brown')
})

test('a request that kills every worker it meets is given up, and does not take the others with it', async (t) => {
  const server = await startTestServer(t)
  const poison = await chat(server, 'fake: tokens=3 crashAfter=0')
  const body = await poison.text()
  assert.match(body, /worker_lost/)
  const next = await chat(server, 'fake: tokens=2')
  assert.equal((await Array.fromAsync(dataOf(next))).at(-1), '[DONE]')
})

test('Redis killed in the middle of answers: they go on to their end, nothing is lost and nothing comes twice', async (t) => {
  const server = await startTestServer(t)
  const answers = await Promise.all([1, 2, 3].map(() => chat(server, 'fake: tokens=200 stepMs=5')))
  const reading = answers.map((answer) => Array.fromAsync(dataOf(answer)))
  const before = redisOf(server.home)
  process.kill(before, 'SIGKILL')
  await until(() => redisOf(server.home) !== before, 'Redis is started again')
  for (const data of await Promise.all(reading)) {
    assert.equal(data.at(-1), '[DONE]')
    const texts = data
      .slice(0, -1)
      .map((line) => JSON.parse(line).choices[0]?.delta.content)
      .filter(Boolean)
    assert.equal(texts.length, 200)
  }
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200)
})

test('a request that comes while Redis is down waits for it', async (t) => {
  const server = await startTestServer(t)
  process.kill(redisOf(server.home), 'SIGKILL')
  const response = await chat(server, 'fake: tokens=2')
  assert.equal(response.status, 200, response.status === 200 ? '' : (await response.text()) + server.stderr())
  assert.equal((await Array.fromAsync(dataOf(response))).at(-1), '[DONE]')
})

test('the gateway killed: its workers and Redis end too, and the next start is clean and finishes what was promised', async (t) => {
  const server = await startTestServer(t)
  const running = await callOwner(server.socket, 'POST', '/outpost/chat', {
    model: 'fake',
    detached: true,
    messages: [{ role: 'user', content: 'fake: tokens=3 prefillMs=60000' }]
  })
  const jobId = String(running.headers['x-outpost-job-id'])
  const waiting: string[] = []
  for (let i = 0; i < 6; i++) {
    const reply = await callOwner(server.socket, 'POST', '/outpost/chat', {
      model: 'fake',
      detached: true,
      messages: [{ role: 'user', content: 'fake: tokens=3' }]
    })
    waiting.push(String(reply.headers['x-outpost-job-id']))
    reply.destroy()
  }
  running.destroy()
  const family = [server.child.pid!, ...descendantsOf(server.child.pid!), redisOf(server.home)]
  server.child.kill('SIGKILL')
  await once(server.child, 'close')
  await until(() => family.every((pid) => !isAlive(pid)), 'no process of it is left')

  const next = await startTestServer(t, { home: server.home })
  for (const id of waiting) {
    const events = await callOwner(next.socket, 'GET', `/outpost/jobs/${id}/events`)
    const text = await events.text()
    assert.equal([...text.matchAll(/^event: generation-end$/gm)].length, 1, `job ${id} ended once`)
    assert.equal([...text.matchAll(/^event: text-delta$/gm)].length, 3)
  }
  assert.notEqual(jobId, '')
  const stopped = await callOwner(next.socket, 'DELETE', `/outpost/jobs/${jobId}`)
  assert.equal(stopped.status, 200)
})

test('requests whose gateway was killed are booked as cancelled and not run again', async (t) => {
  const server = await startTestServer(t, { env: { OUTPOST_SLOTS: '1' } })
  const reading = [chat(server, 'fake: tokens=3 prefillMs=60000'), chat(server, 'fake: tokens=3')].map((promise) =>
    promise.then((r) => r.text()).catch(() => 'cut off')
  )
  await until(async () => {
    const { queues } = JSON.parse(await (await callOwner(server.socket, 'GET', '/outpost/queue')).text())
    return queues[0]?.running === 1 && queues[0]?.waiting === 1
  }, 'one runs, one waits')
  server.child.kill('SIGKILL')
  await Promise.all(reading)
  const next = await startTestServer(t, { home: server.home })
  const usage = JSON.parse(await (await callOwner(next.socket, 'GET', '/outpost/usage?by=request')).text())
  assert.equal(usage.rows.length, 2)
  for (const row of usage.rows as { errorCode: string; usage: { completionTokens: number } }[]) {
    assert.deepEqual([row.errorCode, row.usage.completionTokens], ['client_gone', 0])
  }
  const { queues } = JSON.parse(await (await callOwner(next.socket, 'GET', '/outpost/queue')).text())
  assert.deepEqual(
    queues.flatMap((queue: { waiting: number; running: number }) => [queue.waiting, queue.running]).filter((n: number) => n > 0),
    []
  )
  assert.deepEqual(readdirSync(join(next.home, 'blobs')), [])
})

test('a second server in the same home folder, and one on a taken port, say so in one line and end', async (t) => {
  const server = await startTestServer(t)
  await assert.rejects(startTestServer(t, { home: server.home }), /another Outpost server already runs with the home folder/)
  const port = new URL(server.url).port
  await assert.rejects(startTestServer(t, { args: ['--port', port] }), /port \d+ on 127\.0\.0\.1 is taken/)
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200)
})

test('SIGTERM ends the server and everything it started', async (t) => {
  const server = await startTestServer(t)
  const family = [...descendantsOf(server.child.pid!), redisOf(server.home)]
  assert.equal(await server.stop(), 0)
  await until(() => family.every((pid) => !isAlive(pid)), 'no process of it is left')
})
