import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import type { PlanRecord } from '#contracts/plan.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { onEnd } from '../helpers/on-end.ts'
import { compensationFailure, echo, type PlanScript } from '../http/scripted-plans.ts'
import { startScripted } from '../http/scripted-services.ts'
import { outpost, startOutpost, startOutpostOnTerminal } from './outpost.ts'

/** The real HTTP side with scripted plans, and the command line that is pointed at it with an administrator's key. */
async function startServer(t: TestContext, script: PlanScript = {}) {
  const server = await startScripted(undefined, {}, script)
  onEnd(t, () => server.app.close())
  const { services } = server
  const { secret, key } = services.keys.create({ name: 'root', role: 'administrator', lane: 'interactive' })
  const own = services.plans.projects.own.id
  const settings = { home: temporaryFolder(t), env: { OUTPOST_URL: server.url, OUTPOST_KEY: secret } }
  const register = (name: string, project = own) => services.plans.services.register(project, 'service', { ...echo, name, revertible: false })
  return {
    server,
    key,
    own,
    settings,
    register,
    asked: (args: string[], input?: string) => outpost(t, args, { ...settings, ...(input === undefined ? {} : { input }) }),
    /** The only plan there is. */
    planId: () => [...server.scriptedPlans.running.keys()][0] ?? ''
  }
}

test('plan run tells how it goes on stderr, and the result alone on stdout', async (t) => {
  const { asked, register, planId } = await startServer(t, { planning: (plan) => plan.progress({ type: 'attempt', attempt: 1, phase: 'whole' }) })
  register('echo')
  const { code, stdout, stderr } = await asked(['plan', 'run', 'Echo this', '-d', 'message=hi'])
  assert.equal(code, 0, stderr)
  assert.deepEqual(JSON.parse(stdout), { done: true })
  assert.ok(stderr.startsWith(`${planId()}: Echo this\nPlanning: attempt 1\n○ task1 echo: waiting\n◎ task1 echo: processing\n`), stderr)
  assert.match(stderr, /● task1 echo: completed in \d+ ms\n● completed after \d+ ms\n$/)
})

test('data comes as text, as JSON, from a file or a pipe, and what is said last counts', async (t) => {
  const { asked, register, server } = await startServer(t)
  register('echo')
  const file = join(temporaryFolder(t), 'data.json')
  writeFileSync(file, '{"a": 1, "b": [2]}')
  const dataOf = () => [...server.scriptedPlans.running.values()].at(-1)?.order.data
  await asked(['plan', 'run', 'x', '--data', file, '-d', 'a=007', '-d', 'c:={"x":null}', '-d', 'd=e=f'])
  assert.deepEqual(dataOf(), [
    { field: 'a', value: '007' },
    { field: 'b', value: [2] },
    { field: 'c', value: { x: null } },
    { field: 'd', value: 'e=f' }
  ])
  await asked(['plan', 'run', 'x', '--data', '-'], '[{"field": "z", "value": true}]')
  assert.deepEqual(dataOf(), [{ field: 'z', value: true }])
  for (const [args, said] of [
    [['-d', 'novalue'], '-d wants field=text or field:=JSON, got "novalue"'],
    [['-d', 'a:={'], '-d a is no JSON'],
    [['--data', '[1]'], '--data must be an object of fields'],
    [['--timeout', 'soon'], '--timeout must be a time such as 30s or 1m30s, got "soon"']
  ] as const) {
    const { code, stderr } = await asked(['plan', 'run', 'x', ...args])
    assert.equal(code, 2)
    assert.ok(stderr.includes(said), stderr)
  }
})

test('times and approvals are handed over, services by name', async (t) => {
  const { asked, register, server } = await startServer(t)
  const { id } = register('mail')
  await asked(['plan', 'run', 'x', '--timeout', '1m30s', '--grace', '500ms', '--deadline', '1.5h', '--approve', 'mail'])
  const order = [...server.scriptedPlans.running.values()].at(-1)?.order
  assert.deepEqual([order?.timeoutMs, order?.gracePeriodMs, order?.deadlineMs, order?.approval], [90_000, 500, 5_400_000, [id]])
  const unknown = await asked(['plan', 'run', 'x', '--approve', 'male'])
  assert.deepEqual([unknown.code, unknown.stderr], [1, 'outpost: there is no service "male": there is mail\n'])
})

test('a plan that cannot be made ends with 1 and says why, what to change, and where more is', async (t) => {
  const { asked, register, planId } = await startServer(t)
  register('echo')
  const { code, stdout, stderr } = await asked(['plan', 'run', 'Do the impossible'])
  assert.deepEqual([code, stdout], [1, ''])
  assert.match(stderr, /⊘ not actionable after \d+ ms\nno service can do the impossible\n/)
  assert.ok(stderr.endsWith(`outpost plan show ${planId()} --attempts tells more.\n`))
})

test('who forgot to name the project is told that this one has no service', async (t) => {
  const { asked } = await startServer(t)
  const { code, stderr } = await asked(['plan', 'run', 'x'])
  assert.equal(code, 1)
  assert.match(stderr, /has no service\. -p names another one/)
})

test('a plan that fails while it runs ends with 1', async (t) => {
  const { asked, register } = await startServer(t, {
    plan: (plan) => {
      plan.log({ type: 'task-sent', task: 'task1', attempt: 1, executionId: 'e', idempotencyKey: 'k' })
      plan.log({ type: 'task-failed', task: 'task1', error: 'the printer\u001b[31m is on fire' })
      plan.finish('failed')
    }
  })
  register('echo')
  const { code, stderr } = await asked(['plan', 'run', 'x'])
  assert.equal(code, 1)
  assert.match(stderr, /✕ task1 echo: failed in \d+ ms – the printer\[31m is on fire\n✕ failed after/)
})

test('--detach prints the id and does not wait; --json prints the record and nothing beside', async (t) => {
  const { asked, register, planId } = await startServer(t, { plan: () => {} })
  register('echo')
  assert.deepEqual(await asked(['plan', 'run', 'x', '--detach']), { code: 0, stdout: `${planId()}\n`, stderr: '' })
  const { plan } = JSON.parse((await asked(['plan', 'run', 'x', '--detach', '--json'])).stdout) as { plan: PlanRecord }
  assert.equal(plan.action, 'x')
})

test('a task that waits is approved from another terminal, and the plan goes on', async (t) => {
  const { asked, register, settings, planId } = await startServer(t, { plan: (plan) => plan.log({ type: 'approval-requested', task: 'task1' }) })
  register('echo')
  const watching = startOutpost(t, ['plan', 'run', 'x'], settings)
  const told = new Promise<void>((resolve) => watching.child.stderr?.on('data', () => watching.stderr().includes('waits for you') && resolve()))
  await told
  assert.match(watching.stderr(), new RegExp(`⏸ task1 echo: waits for approval\ntask1 waits for you: outpost plan approve ${planId()} task1 `))
  const approved = await asked(['plan', 'approve', planId(), 'task1', '--note', 'fine'])
  assert.deepEqual(approved, { code: 0, stdout: `task1 of ${planId()} is approved.\n`, stderr: '' })
  assert.equal(await watching.ended, 0)
  const again = await asked(['plan', 'approve', planId(), 'task1', '--refuse'])
  assert.deepEqual([again.code, again.stderr], [1, 'outpost: task1 does not wait for approval\n'])
})

test('Ctrl-C ends the watching and says how to go on; abort ends the plan', async (t) => {
  const { asked, register, settings, planId, server } = await startServer(t, { plan: () => {} })
  register('echo')
  const watching = startOutpost(t, ['plan', 'run', 'x'], settings)
  await new Promise<void>((resolve) => watching.child.stderr?.on('data', () => watching.stderr().includes('task1') && resolve()))
  watching.child.kill('SIGINT')
  assert.equal(await watching.ended, 130)
  assert.ok(
    watching.stderr().endsWith(`The plan ${planId()} goes on: outpost plan show ${planId()} shows it, outpost plan abort ${planId()} stops it.\n`)
  )
  assert.equal((await asked(['plan', 'abort', planId(), '--reason', 'enough'])).code, 0)
  assert.match(server.services.plans.plans.inspect(server.services.plans.projects.own.id, planId()).record.failure?.message ?? '', /enough/)
})

test('on a terminal the tasks are a table that is drawn over', async (t) => {
  const { asked, register, settings, planId } = await startServer(t, { plan: (plan) => plan.log({ type: 'approval-requested', task: 'task1' }) })
  register('echo')
  const run = startOutpostOnTerminal(t, ['plan', 'run', 'x'], settings)
  await run.says(/task1 waits for you/)
  await asked(['plan', 'approve', planId(), 'task1'])
  assert.equal(await run.ended, 0)
  const screen = run.stdout()
  assert.ok(screen.includes('\u001b[2A\u001b[J'), 'two lines are drawn over')
  assert.match(screen, /●.*task1 +echo +completed +1 +\d+ ms/)
})

test('plan list and show tell how plans stand, for people and as JSON', async (t) => {
  const { asked, register, planId, key } = await startServer(t)
  register('echo')
  await asked(['plan', 'run', 'Echo this to everybody in the whole wide world, please', '-d', 'message=hi'])
  const list = await asked(['plan', 'list', '--status', 'completed'])
  assert.match(list.stdout, new RegExp(`^●  ${planId()}  Echo this to everybody in the whole wid… +completed +- `, 'm'))
  assert.equal((await asked(['plan', 'list', '--status', 'failed'])).stdout, 'There is no plan: outpost plan run "ACTION" makes one.\n')
  const shown = (await asked(['plan', 'show', planId(), '--events', '--graph', '--attempts'])).stdout
  for (const part of [
    /^● o_\w+ {2}completed after \d+ ms$/m,
    /^Data {7}message = "hi"$/m,
    new RegExp(`by ${key.id}$`, 'm'),
    /^● {2}task1 {2}echo +completed +1 +\d+ ms$/m,
    /^ +message → task1\.message$/m,
    /task-completed +task1 +output=\{"echoed":"task1"\}$/m,
    /^Prompt\nPlan this$/m,
    /^Result\n\{\n {2}"done": true\n\}$/m
  ]) {
    assert.match(shown, part)
  }
  const json = JSON.parse((await asked(['plan', 'show', planId(), '--json', '--graph'])).stdout)
  assert.deepEqual([json.plan.id, json.events.length, json.services.length, json.graph.nodes.length], [planId(), 4, 1, 2])
  assert.equal((await asked(['plan', 'show', 'o_nope'])).code, 1)
})

test('plan show has the rules that a person has to see to', async (t) => {
  const { asked, register, planId, server } = await startServer(t)
  register('echo')
  await asked(['plan', 'run', 'x'])
  const { plans } = server.services.plans
  const inspect = plans.inspect
  plans.inspect = (projectId, id) => {
    const inspection = inspect(projectId, id)
    return { ...inspection, record: { ...inspection.record, warnings: ['be polite', 'be quick'] } }
  }
  assert.match((await asked(['plan', 'show', planId()])).stdout, /^See to it +be polite\n +be quick$/m)
})

test('a longer list says how to go on', async (t) => {
  const { asked, register } = await startServer(t)
  register('echo')
  for (const action of ['one', 'two']) await asked(['plan', 'run', action])
  const { stdout } = await asked(['plan', 'list', '--limit', '1'])
  const [, before = ''] = /Older ones: outpost plan list --before (\S+)/.exec(stdout) ?? []
  assert.match((await asked(['plan', 'list', '--before', before])).stdout, / one /)
})

test('services are listed, shown with what they take and give, and taken out', async (t) => {
  const { asked, register } = await startServer(t)
  const { id } = register('echo')
  assert.match((await asked(['service', 'list'])).stdout, new RegExp(`^● {2}echo {2}${id} +service +1 +1 +- +Echoes a message$`, 'm'))
  assert.match((await asked(['service', 'show', 'echo'])).stdout, /^Takes\n {2}message: string\n\nGives\n {2}echoed: string$/m)
  assert.equal((await asked(['service', 'rm', 'echo'])).stdout, `echo (${id}) is no longer used in new plans.\n`)
  assert.match((await asked(['service', 'show', 'echo'])).stderr, /there is no service "echo": outpost service list/)
})

test('groundings are applied from YAML as from JSON, listed and removed', async (t) => {
  const { asked } = await startServer(t)
  const yaml = 'name: shop\ndomain: shop\nversion: "1.0"\nuse-cases:\n  - action: Buy {thing}\n    capabilities: [sell]\n    intent: buy\n'
  assert.equal((await asked(['grounding', 'apply', '-f', '-'], yaml)).stdout, 'shop 1.0 is applied: 1 use cases, 0 constraints.\n')
  assert.match((await asked(['grounding', 'apply', '-f', '-'], yaml)).stderr, /already has a grounding/)
  assert.match((await asked(['grounding', 'list'])).stdout, /^shop {2}1\.0 +shop +1 +0$/m)
  assert.equal((await asked(['grounding', 'apply', '-f', '-'], 'just words')).code, 2)
  assert.equal((await asked(['grounding', 'rm', 'shop'])).stdout, 'shop is removed.\n')
})

test('projects are made with a key that is alone on stdout, and named by name or id', async (t) => {
  const { asked, register, server } = await startServer(t)
  const { stdout } = await asked(['project', 'create', 'shop'])
  assert.match(stdout, /^sk-orra-v1-[0-9a-f]{64}\n$/)
  const [, shop] = server.services.plans.projects.list()
  register('echo', shop?.id)
  assert.match((await asked(['project', 'list'])).stdout, new RegExp(`${shop?.id} +shop`))
  assert.equal((await asked(['plan', 'run', 'x', '-p', 'shop'])).code, 0)
  assert.equal((await asked(['plan', 'run', 'x', '--project', shop?.id ?? ''])).code, 0)
  assert.match((await asked(['plan', 'list', '-p', 'shoe'])).stderr, /there is no project "shoe": there is outpost, shop/)
  assert.match((await asked(['keys', 'list'])).stdout, new RegExp(`project +${shop?.id}`))
  const more = await asked(['keys', 'create', 'worker', '--role', 'project', '--project', shop?.id ?? ''])
  assert.match(more.stdout, /^sk-orra-v1-/)
  assert.equal((await asked(['keys', 'create', 'worker', '--role', 'project'])).code, 2)
})

test('what could not be taken back is listed, shown and settled with a reason', async (t) => {
  const { asked, server, own } = await startServer(t)
  const failure = compensationFailure(own)
  server.scriptedPlans.failures.push(failure)
  assert.match(
    (await asked(['plan', 'failures', 'list'])).stdout,
    new RegExp(`^${failure.id} +o_1 +task1 +billing +failed +pending .*the bank was closed$`, 'm')
  )
  assert.match((await asked(['plan', 'failures', 'show', failure.id])).stdout, /failed after 10 of 10 attempts: the bank was closed[\s\S]*"paid": 5/)
  assert.equal((await asked(['plan', 'failures', 'resolve', failure.id])).code, 2)
  assert.equal((await asked(['plan', 'failures', 'resolve', failure.id, '--reason', 'by hand'])).stdout, `${failure.id} is resolved.\n`)
  assert.match((await asked(['plan', 'failures', 'list'])).stdout, /^Nothing waits for anybody; 1 were seen to/)
  assert.match((await asked(['plan', 'failures', 'list', '--all'])).stdout, /resolved/)
})

test('a plan is followed later from its start', async (t) => {
  const { asked, register, planId } = await startServer(t)
  register('echo')
  await asked(['plan', 'run', 'Echo this', '--detach'])
  const { code, stdout, stderr } = await asked(['plan', 'follow', planId()])
  assert.equal(code, 0)
  assert.deepEqual(JSON.parse(stdout), { done: true })
  assert.match(stderr, /Echo this\n○ task1 echo: waiting\n[\s\S]*● completed/)
  const { plan } = JSON.parse((await asked(['plan', 'follow', planId(), '--json'])).stdout) as { plan: PlanRecord }
  assert.equal(plan.status, 'completed')
})

test('webhooks are added with a secret that is alone on stdout, listed, and their deliveries sent again', async (t) => {
  const { asked, server } = await startServer(t)
  assert.equal((await asked(['webhook', 'add', 'http://localhost:9/x', '--compensation'])).stdout, 'whsec-canary\n')
  const [, id = ''] = /^(w_\S+) +compensation +.* +http:\/\/localhost:9\/x$/m.exec((await asked(['webhook', 'list'])).stdout) ?? []
  const waiting = { state: 'waiting', attempts: 1, status: 500, error: 'HTTP 500', nextAt: null, createdAt: 1, deliveredAt: null } as const
  server.scriptedPlans.deliveries.push({
    id: 'd1',
    webhookId: id,
    url: 'http://localhost:9/x',
    event: 'compensation.failed',
    planId: 'o_1',
    ...waiting
  })
  assert.match((await asked(['webhook', 'deliveries', '--plan', 'o_1'])).stdout, /^d1 +compensation\.failed +o_1 +waiting +1 .*HTTP 500$/m)
  assert.equal((await asked(['webhook', 'redeliver', 'd1'])).code, 0)
  assert.equal((await asked(['webhook', 'redeliver', 'd2'])).code, 1)
  assert.equal((await asked(['webhook', 'rm', id])).stdout, `${id} is told no more.\n`)
  assert.equal((await asked(['webhook', 'list'])).stdout, 'Nobody is told: outpost webhook add URL changes that.\n')
})

test('the plan cache is cleared', async (t) => {
  const { asked } = await startServer(t)
  assert.equal((await asked(['plan', 'cache', 'list'])).stdout, 'The plan cache is empty.\n')
  assert.equal((await asked(['plan', 'cache', 'clear'])).stdout, '3 plans are forgotten; the next actions are planned anew.\n')
})

test('wrong usage of the verbs about plans ends with 2 and says what is wanted', async (t) => {
  const home = temporaryFolder(t)
  for (const [args, said] of [
    [['plan'], 'plan wants one of run, follow, list, show, abort, approve, failures, cache'],
    [['plan', 'sing'], 'plan has no "sing"'],
    [['plan', 'run'], 'ACTION is missing'],
    [['plan', 'approve', 'o_1'], 'plan approve wants ID and TASK, got o_1'],
    [['plan', 'list', '--status', 'asleep'], '--status must be pending or'],
    [['service', 'sing'], 'service has no "sing": list, show or rm'],
    [['grounding', 'apply'], 'grounding apply wants -f FILE'],
    [['project', 'create'], 'NAME is missing']
  ] as const) {
    const { code, stderr } = await outpost(t, [...args], { home })
    assert.equal(code, 2, args.join(' '))
    assert.ok(stderr.includes(said), stderr)
  }
})
