import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { onEnd } from '../helpers/on-end.ts'
import { type PlanClient, registerProject } from '../helpers/plan-client.ts'
import { startPlanningEndpoint } from '../helpers/planning-endpoint.ts'
import { until } from '../helpers/processes.ts'
import { findPython } from '../helpers/python.ts'
import { startTestServer } from '../helpers/server.ts'
import { startWebhookReceiver } from '../helpers/webhook-receiver.ts'
import { createWitness, type Witness } from '../helpers/witness.ts'

/** What the services tell. */
type Told = { event: string } & Record<string, unknown>

const script = fileURLToPath(new URL('./plan-python-sdk.py', import.meta.url))
const python = await findPython({
  modules: 'orra',
  packages: ['orra-sdk==0.2.4'],
  folder: 'python-orra',
  what: "the plan engine with the original's Python SDK"
})

if (python !== undefined) {
  test("services of the original's Python SDK register, echo with an interim result, retry, abort, and take back what they did", async (t) => {
    const services = { echo: '', gate: '' }
    const planner = await startPlanningEndpoint(t, (prompt) => {
      const passesGate = prompt.includes('through the gate')
      const echo = { id: 'task1', service: services.echo, input: { message: '$task0.message' } }
      const gate = { id: 'task2', service: services.gate, input: { message: '$task1.message' } }
      return { tasks: [{ id: 'task0', input: { message: '' } }, echo, ...(passesGate ? [gate] : [])] }
    })
    const server = await startTestServer(t, { env: { LLM_API_BASE_URL: planner.url, LLM_MODEL: 'scripted' } })
    const webhooks = await startWebhookReceiver(t)
    const project = await registerProject(server.url, { webhooks: [webhooks.url] })
    const told = startServices(t, python, server.url, project)
    Object.assign(services, await told.first(({ event }) => event === 'ready'))

    const echoed = await project.run('Echo this message', { message: 'hello' })
    assert.deepEqual((await webhooks.ended(echoed.id)).body['results'], [{ message: 'hello' }])
    const [task] = (await project.inspect(echoed.id)).tasks ?? []
    assert.deepEqual(task?.output, { message: 'hello' })
    assert.deepEqual(
      task?.interimResults?.map(({ data }) => data),
      [{ progress: 50 }]
    )

    const retried = await project.run('Send the message through the gate', { message: 'fail once' })
    assert.deepEqual((await webhooks.ended(retried.id)).body['results'], [{ message: 'passed: fail once' }])

    const aborted = await project.run('Send the message through the gate', { message: 'stop' })
    assert.equal((await webhooks.ended(aborted.id)).body.status, 'aborted')
    assert.deepEqual(await told.first(({ event, plan }) => event === 'reverted' && plan === aborted.id), {
      event: 'reverted',
      input: 'stop',
      output: 'stop',
      reason: 'aborted',
      payload: { why: 'it says stop' },
      plan: aborted.id
    })
    const { abortInfo } = await project.inspect(aborted.id)
    assert.deepEqual(abortInfo?.payload, { why: 'it says stop' })
    await until(async () => (await project.inspect(aborted.id)).tasks?.[0]?.compensation?.status === 'completed', 'the compensation is noted')

    const ran = told.items.filter(({ event }) => event === 'ran')
    assert.deepEqual(
      ran.map(({ message, run }) => [message, run]),
      [
        ['hello', 1],
        ['fail once', 1],
        ['stop', 1]
      ],
      'no completed task ran again'
    )
  })
}

function startServices(t: TestContext, command: string, url: string, { key }: PlanClient): Witness<Told> {
  const told = createWitness<Told>()
  const child = spawn(command, [script, url, key], { stdio: ['pipe', 'pipe', 'inherit'] })
  createInterface({ input: child.stdout }).on('line', (line) => told.note(JSON.parse(line)))
  const ended = once(child, 'exit')
  onEnd(t, async () => {
    // The SDK's WebSocket library would take its ten seconds to close.
    child.kill()
    await ended
  })
  return told
}
