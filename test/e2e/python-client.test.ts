import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { callOwner } from '../helpers/owner.ts'
import { until } from '../helpers/processes.ts'
import { findPython } from '../helpers/python.ts'
import { startTestServer } from '../helpers/server.ts'

const run = promisify(execFile)
const python = await findPython({ modules: 'openai, pydantic', packages: ['openai'], folder: 'python', what: 'the official Python client' })

if (python !== undefined) {
  test('the official Python client: streams, tools, parse, embeddings, models, errors; leaving stops the engine', async (t) => {
    const server = await startTestServer(t)
    const script = fileURLToPath(new URL('./python-client.py', import.meta.url))
    const { stderr } = await run(python, [script, `${server.url}/v1`], { timeout: 60_000 }).catch((error) => assert.fail(String(error.stderr)))
    assert.equal(stderr, '')
    const last = async () => JSON.parse(await (await callOwner(server.socket, 'GET', '/outpost/usage?by=request&limit=1')).text()).rows[0]
    await until(async () => (await last()).errorCode === 'client_gone', 'the client that left is booked')
    assert.ok((await last()).usage.completionTokens < 100_000)
  })
}
