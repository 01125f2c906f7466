import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { errorCodes } from '#contracts/error.ts'
import { AppError, errorTable } from '../../server/errors.ts'
import { accessTable } from '../../server/http/access.ts'
import { end, startScripted } from './scripted-services.ts'

test('docs/errors.md has every error code with its status, and no other', () => {
  const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `(\w+)` \| (\d{3}) \| (yes|no) \| (.*) \|$/gm)].map(([, code, status, retryable, meaning]) => [
    code,
    Number(status),
    retryable === 'yes',
    meaning
  ])
  assert.deepEqual(
    rows,
    errorCodes.map((code) => [code, errorTable[code].status, errorTable[code].retryable, errorTable[code].meaning])
  )
})

test('health says that the process is up, readiness whether it can serve', async () => {
  await using server = await startScripted()
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200)
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200)
  server.setNotReady(new AppError('weights_corrupt', 'the weights have a wrong hash'))
  const response = await fetch(`${server.url}/readyz`)
  assert.equal(response.status, 503)
  assert.equal(((await response.json()) as { error: { code: string } }).error.code, 'weights_corrupt')
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200)
})

test('metrics count answers, jobs, tokens and time to first token', async () => {
  await using server = await startScripted()
  await (await fetch(`${server.url}/v1/models`)).text()
  await (
    await fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'small', stream: true, messages: [{ role: 'user', content: 'x' }] })
    })
  ).text()
  server.services.usage.book({
    jobId: 'job-1',
    requestId: 'r',
    kind: 'chat',
    clientId: 'local',
    model: 'small',
    lane: 'normal',
    submittedAt: 5,
    usage: end.usage,
    queueMs: 1,
    ttftMs: 40,
    totalMs: 90,
    finishReason: 'stop',
    errorCode: null
  })
  const response = await fetch(`${server.url}/metrics`)
  const body = await response.text()
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  for (const line of [
    'outpost_http_responses_total{route="/v1/models",status="200"} 1',
    'outpost_http_responses_total{route="/v1/chat/completions",status="200"} 1',
    'outpost_jobs_total{model="small",outcome="stop"} 1',
    'outpost_tokens_total{model="small",kind="completion"} 2',
    'outpost_time_to_first_token_seconds_bucket{model="small",le="0.025"} 0',
    'outpost_time_to_first_token_seconds_bucket{model="small",le="0.05"} 1',
    'outpost_time_to_first_token_seconds_bucket{model="small",le="+Inf"} 1'
  ]) {
    assert.ok(body.split('\n').includes(line), line)
  }
})

test('the OpenAPI document has every route but the pages, with its errors', async () => {
  await using server = await startScripted()
  const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
    openapi: string
    paths: Record<string, Record<string, { responses: Record<string, unknown> }>>
  }
  assert.equal(document.openapi, '3.1.0')
  for (const entry of accessTable.keys()) {
    const [method, url] = entry.split(' ') as [string, string]
    // OpenAPI has no words for WebSocket.
    if (url === '/' || url === '/assets/*' || url === '/openapi.json' || url === '/ws' || url.startsWith('/docs')) continue
    const operation = document.paths[url.replace(/:(\w+)/, '{$1}')]?.[method.toLowerCase()]
    assert.ok(operation !== undefined, entry)
    assert.ok('400' in operation.responses && '403' in operation.responses, entry)
  }
})

test('the API browser comes whole from this server, under a policy that lets nothing else in', async () => {
  await using server = await startScripted()
  const response = await fetch(`${server.url}/docs`)
  assert.equal(response.status, 200)
  assert.match(response.url, /\/docs\/?$/)
  const page = await response.text()
  assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'; script-src 'self'/)
  const links = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link as string)
  assert.ok(links.length > 3)
  for (const link of links) {
    assert.ok(!/^(https?:)?\/\//.test(link), link)
    const part = await fetch(new URL(link, response.url))
    assert.equal(part.status, 200, link)
    assert.ok((await part.arrayBuffer()).byteLength > 0)
  }
})
