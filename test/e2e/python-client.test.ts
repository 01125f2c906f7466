import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { callOwner } from '../helpers/owner.ts'
import { until } from '../helpers/processes.ts'
import { startTestServer } from '../helpers/server.ts'

const run = promisify(execFile)
const folder = fileURLToPath(new URL('../../models/cache/python', import.meta.url))

/** A Python that has the official client: the machine's, or one in the cache that gets it through the user's own pip. Throws why there is none. */
async function findPython(): Promise<string> {
  const own = join(folder, 'bin', 'python')
  for (const python of ['python3', own]) {
    const found = await run(python, ['-c', 'import openai, pydantic']).then(
      () => true,
      () => false
    )
    if (found) return python
  }
  if (!existsSync(own)) await run('python3', ['-m', 'venv', folder], { timeout: 60_000 })
  const options = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--retries', '1', '--timeout', '15', 'openai']
  await run(own, options, { timeout: 120_000 })
  return own
}

const python = await findPython().catch((error: Error) => {
  process.stdout.write(`left out: the official Python client (it cannot be had here: ${error.message.split('\n')[0]})\n`)
})

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
