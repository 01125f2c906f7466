import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Json, LoggedPlanEvent, Plan, PlanRecord } from '#contracts/plan.ts'
import type { TaskMessage, TaskRequest } from '../../../server/plans/services/service-host.ts'
import { openDatabase } from '../../../server/store/database.ts'
import { createPlanStore, fromLogEntry } from '../../../server/store/plans.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import type { FromChild, Order } from './kill-process.ts'
import { plan, task } from './plan-bench.ts'

/** Twelve tasks: three begin, they meet, spread out again, and meet at the end. */
const twelve: Plan = plan(
  task('task1', { in: '$task0.text' }),
  task('task2', { in: '$task0.text' }),
  task('task3', { in: '$task0.text' }),
  task('task4', { a: '$task1.out', b: '$task2.out' }),
  task('task5', { a: '$task2.out', b: '$task3.out' }),
  task('task6', { a: '$task4.out', b: '$task5.out' }),
  task('task7', { in: '$task6.out' }),
  task('task8', { in: '$task6.out' }),
  task('task9', { in: '$task6.out' }),
  task('task10', { a: '$task7.out', b: '$task8.out' }),
  task('task11', { a: '$task9.out' }),
  task('task12', { a: '$task10.out', b: '$task11.out' })
)

/** The services of a plan: what they did is kept by idempotency key, across the deaths of who asks, as the SDKs do. */
type Services = { done: Map<string, Json>; ran: string[]; undone: string[]; abortAt?: string }

type Run = { status: string; results: Json[] | null; ran: string[]; undone: string[]; events: LoggedPlanEvent[]; kills: number; commits: number }

async function run(file: string, services: Services, kill: Order['kill']): Promise<{ died: boolean; commits: number }> {
  const child = fork(join(import.meta.dirname, 'kill-process.ts'), { stdio: 'inherit' })
  const exited = new Promise<boolean>((resolve) => child.once('exit', (_code, signal) => resolve(signal === 'SIGKILL')))
  let commits = 0
  const settled = new Promise<boolean>((resolve) => {
    child.on('message', (message: FromChild) => {
      if (message.type === 'request') answer(child, services, message.request)
      else if (message.type === 'settled') {
        commits = message.commits
        resolve(false)
      }
    })
  })
  const order: Order = { file, plan: twelve, revertible: twelve.tasks.map(({ service }) => service), kill }
  child.send(order)
  const died = await Promise.race([exited, settled])
  if (!died) {
    child.kill('SIGKILL')
    await exited
  }
  return { died, commits }
}

function answer(child: ChildProcess, services: Services, request: TaskRequest): void {
  const { taskId, executionId, idempotencyKey, kind } = request
  const base = { serviceId: `s_${taskId}`, executionId, idempotencyKey, taskId }
  let message: TaskMessage
  if (kind === 'compensation') {
    if (!services.done.has(idempotencyKey)) services.undone.push(taskId)
    services.done.set(idempotencyKey, null)
    message = { ...base, type: 'completed', output: undefined, raw: { status: 'completed' } }
  } else if (taskId === services.abortAt) {
    message = { ...base, type: 'aborted', payload: { why: 'told to' } }
  } else {
    if (!services.done.has(idempotencyKey)) {
      services.ran.push(taskId)
      services.done.set(idempotencyKey, { out: `${taskId}(${Object.values(request.input as Record<string, string>).join()})` })
    }
    const output = services.done.get(idempotencyKey) ?? null
    message = { ...base, type: 'completed', output, raw: null, compensation: { data: { undo: taskId }, ttlMs: 86_400_000 } }
  }
  if (child.connected) child.send(message, () => {})
}

async function toTheEnd(folder: string, kill: Order['kill'], abortAt?: string): Promise<Run> {
  const file = join(folder, 'outpost.db')
  const services: Services = { done: new Map(), ran: [], undone: [], ...(abortAt === undefined ? {} : { abortAt }) }
  let kills = 0
  let commits = 0
  for (let next = kill; ; next = undefined) {
    const ended = await run(file, services, next)
    commits = ended.commits
    if (!ended.died) break
    kills++
  }
  const db = openDatabase(file)
  const store = createPlanStore(db)
  const { number, record }: { number: number; record: PlanRecord } = store.find('p_test', 'o_kill')
  const events = store.entries(number).map(fromLogEntry)
  db.close()
  return { status: record.status, results: record.results, ran: services.ran, undone: services.undone, events, kills, commits }
}

/** A task whose end is in the log is not sent again, whoever reads the log. */
function assertNothingRunsTwice({ events, ran, undone }: Run): void {
  const ended = new Set<string>()
  for (const event of events) {
    if (event.type === 'task-sent') assert.equal(ended.has(event.task), false, `${event.task} was sent after its end`)
    if (event.type === 'task-completed') ended.add(event.task)
  }
  assert.equal(new Set(ran).size, ran.length, `a task ran twice: ${ran}`)
  assert.equal(new Set(undone).size, undone.length, `a task was taken back twice: ${undone}`)
  assert.equal(events.filter(({ type }) => type === 'plan-completed' || type === 'plan-failed' || type === 'plan-aborted').length, 1)
  assert.deepEqual(
    events.map(({ offset }) => offset),
    events.map((_, i) => i)
  )
}

for (const abortAt of [undefined, 'task12']) {
  const what = abortAt === undefined ? 'completes' : 'is aborted in its last task and taken back'
  test(`a plan of twelve tasks that ${what} ends the same, at whichever write its process is killed`, async (t) => {
    const undisturbed = await toTheEnd(temporaryFolder(t), undefined, abortAt)
    assert.equal(undisturbed.status, abortAt === undefined ? 'completed' : 'aborted')
    assert.equal(undisturbed.undone.length, abortAt === undefined ? 0 : 11)
    const moments: NonNullable<Order['kill']>[] = []
    // Of the second plan only the part that the first one does not have.
    const first = abortAt === undefined ? 0 : 12
    for (let at = first; at < undisturbed.commits; at++) moments.push({ at, when: 'before' }, { at, when: 'after' })
    const expected = moments.length
    let killed = 0
    const one = async () => {
      for (let kill = moments.shift(); kill !== undefined; kill = moments.shift()) {
        const disturbed = await toTheEnd(temporaryFolder(t), kill, abortAt)
        const where = `killed ${kill.when} write ${kill.at}`
        killed += disturbed.kills
        assert.equal(disturbed.status, undisturbed.status, where)
        assert.deepEqual(disturbed.results, undisturbed.results, where)
        assert.deepEqual(new Set(disturbed.ran), new Set(undisturbed.ran), where)
        assert.deepEqual(new Set(disturbed.undone), new Set(undisturbed.undone), where)
        assertNothingRunsTwice(disturbed)
      }
    }
    await Promise.all([one(), one()])
    assert.equal(killed, expected)
  })
}
