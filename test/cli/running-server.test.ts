import assert from 'node:assert/strict'
import test from 'node:test'
import { ServerStatus } from '#contracts/api.ts'
import { startTestServer } from '../helpers/server.ts'
import { outpost, startOutpost, startOutpostOnTerminal } from './outpost.ts'

// One server for all of them: starting it is what takes time.
test('the command line with a running server', async (t) => {
  const server = await startTestServer(t)
  const { home, url } = server
  const asked = (args: string[], input?: string) => outpost(t, args, { home, ...(input === undefined ? {} : { input }) })
  const jobs = async () => {
    const { stdout } = await asked(['ps', '--json'])
    return (JSON.parse(stdout) as { queues: { jobs: { jobId: string; state: string; clientId: string }[] }[] }).queues.flatMap((queue) => queue.jobs)
  }
  /** The engine stops at its next token; asking takes longer than that, mostly. */
  const untilNothingRuns = async () => {
    while ((await jobs()).length > 0);
  }

  await t.test('status tells address, readiness and models, for people and as JSON', async () => {
    const told = await asked(['status'])
    assert.equal(told.code, 0)
    assert.match(told.stdout, new RegExp(`^Outpost [0-9.]+ at ${url}, up .*\\(owner\\)\\nready\\n`))
    assert.match(told.stdout, /^fake +chat +ready/m)
    const status = JSON.parse((await asked(['status', '--json'])).stdout) as { address: string; queues: unknown[] }
    assert.equal(status.address, url)
    assert.equal(ServerStatus.parse(status).ready, true)
    assert.ok(Array.isArray(status.queues))
  })

  await t.test('list shows what is here and what could be', async () => {
    const { stdout } = await asked(['list'])
    assert.match(stdout, /^✔ {2}fake +chat +- +ready +8192 +- +Apache-2\.0$/m)
    assert.match(stdout, /^- {2}smollm2-135m-instruct +chat +98 MB +absent/m)
    assert.ok(!stdout.includes('\u001b'), 'no colours in a pipe')
  })

  await t.test('run writes one answer and nothing else', async () => {
    const { code, stdout, stderr } = await asked(['run', 'fake', 'fake: say="hello there"'])
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'hello there\n', stderr: '' })
    const cut = await asked(['run', 'fake', '--max-tokens', '2', 'fake: tokens=9'])
    assert.equal(cut.stdout.trim().split(' ').length, 2)
    assert.equal(cut.stderr, '(cut off: it reached its limit of tokens)\n')
  })

  await t.test('run takes its prompt from a pipe, also between words', async () => {
    assert.equal((await asked(['run', 'fake'], 'fake: say="from a pipe"\n')).stdout, 'from a pipe\n')
    assert.equal((await asked(['run', 'fake', 'Sum this up:', '-'], 'fake: say="both"')).stdout, 'both\n')
    const empty = await asked(['run', 'fake'], ' \n')
    assert.equal(empty.code, 2)
    assert.match(empty.stderr, /the prompt is empty/)
  })

  await t.test('run --json tells text, usage and times', async () => {
    const answer = JSON.parse((await asked(['run', 'fake', '--json', '--max-tokens', '3', 'fake: tokens=9'])).stdout)
    assert.equal(answer.finishReason, 'length')
    assert.equal(answer.usage.completionTokens, 3)
    assert.equal(answer.text.trim().split(' ').length, 3)
    assert.ok(answer.firstTokenMs <= answer.totalMs)
  })

  await t.test('run names the models that were meant, and shows the errors of the server', async () => {
    const unknown = await asked(['run', 'fakee', 'hi'])
    assert.equal(unknown.code, 1)
    assert.equal(unknown.stderr, 'outpost: there is no model "fakee": did you mean fake?\n')
    const failed = await asked(['run', 'fake', 'fake: fail=engine_failed failAfter=2'])
    assert.equal(failed.code, 1)
    assert.match(failed.stderr, /^outpost: .+\n$/)
  })

  await t.test('a reader that has enough ends the command quietly, and its request', async () => {
    const run = startOutpost(t, ['run', 'fake', 'fake: tokens=100000 stepMs=1'], { home })
    await run.says(/\w+ \w+/)
    const [job, ...more] = await jobs()
    assert.deepEqual([job?.state, job?.clientId, more.length], ['running', 'owner', 0])
    run.child.stdout?.destroy()
    assert.equal(await run.ended, 0)
    assert.equal(run.stderr(), '')
    await untilNothingRuns()
  })

  await t.test('a key is shown once, works from elsewhere, and ends when it is revoked', async () => {
    const made = await asked(['keys', 'create', 'phone app', '--lane', 'batch'])
    const secret = made.stdout.trim()
    assert.match(secret, /^op-\S+$/)
    assert.match(made.stderr, /Its secret is shown this once/)
    assert.ok(made.stderr.includes(`curl ${url}/v1/chat/completions -H 'authorization: Bearer ${secret}'`), made.stderr)

    const elsewhere = { home: `${home}/elsewhere`, env: { OUTPOST_URL: url, OUTPOST_KEY: secret } }
    const { client } = ServerStatus.parse(JSON.parse((await outpost(t, ['status', '--json'], elsewhere)).stdout))
    assert.deepEqual([client.name, client.role, client.lane], ['phone app', 'user', 'batch'])
    const refused = await outpost(t, ['keys', 'list'], elsewhere)
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /administrator/)

    const rotated = JSON.parse((await asked(['keys', 'rotate', client.id, '--json'])).stdout) as { key: { id: string }; secret: string }
    assert.equal(rotated.key.id, client.id)
    assert.notEqual(rotated.secret, secret)
    assert.match((await outpost(t, ['status'], elsewhere)).stderr, /OUTPOST_KEY/)

    assert.match((await asked(['keys', 'revoke', client.id])).stdout, /phone app .* is revoked/)
    const late = await outpost(t, ['status'], { ...elsewhere, env: { OUTPOST_URL: url, OUTPOST_KEY: rotated.secret } })
    assert.equal(late.code, 1)
    assert.match(late.stderr, /revoked/)
    const listed = await asked(['keys', 'list'])
    assert.match(listed.stdout, new RegExp(`^${client.id} +phone app +user +- +batch .* revoked `, 'm'))
    assert.ok(!listed.stdout.includes(rotated.secret))
  })

  await t.test('the console is opened by a link of one use, and its browsers are listed and signed out', async () => {
    const link = (await asked(['console'])).stdout.trim()
    const [where, token = ''] = link.split('/#sign-in=')
    assert.equal(where, url)
    const signIn = () =>
      fetch(`${url}/outpost/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'Test 1' },
        body: JSON.stringify({ token })
      })
    assert.equal((await signIn()).status, 200)
    assert.equal((await signIn()).status, 401)
    assert.match((await asked(['console', 'list'])).stdout, /^session-\w+ +owner .* Test/m)
    assert.equal((await asked(['console', 'sign-out'])).stdout, '1 browser is signed out.\n')
    assert.match((await asked(['console', 'list'])).stdout, /^No browser is signed in/)
    assert.equal((await asked(['console', 'sing-out'])).code, 2)
  })

  await t.test('a model is unloaded and loaded', async () => {
    assert.match((await asked(['unload', 'fake-embed'])).stdout, /^fake-embed is unloaded/)
    assert.match((await asked(['list'])).stdout, /^✔ {2}fake-embed +embedding +- +present/m)
    assert.equal((await asked(['load', 'fake-embed'])).stdout, 'fake-embed is ready.\n')
    const unknown = await asked(['load', 'fake-embedd'])
    assert.equal(unknown.code, 1)
    assert.match(unknown.stderr, /did you mean fake-embed/)
  })

  await t.test('a conversation on a terminal: history, Ctrl-C stops the answer and not the program', async () => {
    const run = startOutpostOnTerminal(t, ['run', 'fake'], { home })
    await run.says(/>>> /)
    run.write('fake: say="good morning"\r')
    await run.says(/good morning[\s\S]*first after[\s\S]*>>> /)
    run.write('fake: tokens=100000 stepMs=1\r')
    await run.says(/\n\w+ \w+ \w+/)
    run.write('\u0003')
    await run.says(/\(stopped\)[\s\S]*>>> /)
    await untilNothingRuns()
    run.write('/sytsem\r')
    await run.says(/There is no \/sytsem\.[\s\S]*>>> /)
    // Up three times: the first question again.
    run.write('\u001b[A\u001b[A\u001b[A')
    await run.says(/good morning/)
    run.write('\r')
    await run.says(/good morning[\s\S]*>>> /)
    run.write('/bye\r')
    assert.equal(await run.ended, 0)
  })

  await t.test('the port of the running server is no trouble for the doctor', async () => {
    const { code, stdout } = await asked(['doctor', '--json'])
    const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: { check: string; state: string; message: string }[] }
    assert.deepEqual([code, ok], [0, true])
    assert.equal(findings.find(({ check }) => check === 'port')?.message, `this home's server runs at ${url}`)
  })
})
