import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { outpost } from '../cli/outpost.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { onEnd } from '../helpers/on-end.ts'
import { startTestServer } from '../helpers/server.ts'

const page = readFileSync(fileURLToPath(new URL('../../docs/plans.md', import.meta.url)), 'utf8')
const blocks = (language: string) => [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text)
/** Where the page's server listens; here another one stands for it. */
const address = 'http://127.0.0.1:4477'

test('what docs/plans.md shows works when it is pasted', async (t) => {
  const server = await startTestServer(t, { env: { OUTPOST_PLANNER: 'deterministic' } })
  const settings = { home: server.home }
  const commands = blocks('sh').flatMap((block) => block.trim().split('\n'))
  const words = (command: string) => [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '')
  const argumentsOf = (command: string) => words(command.replace(/^.*npx outpost /, '').replace(/\)$/, ''))

  const [make = ''] = commands
  assert.match(make, /^export ORRA_KEY=\$\(npx outpost .*\)$/)
  const key = (await outpost(t, argumentsOf(make), settings)).stdout.trim()

  const file = join(temporaryFolder(t), 'orders.mjs')
  writeFileSync(file, blocks('js')[0]?.replace(address, server.url) ?? '')
  const service = spawn(process.execPath, [file], { env: { ...process.env, ORRA_KEY: key }, stdio: ['ignore', 'pipe', 'inherit'] })
  onEnd(t, () => void service.kill())
  await new Promise<void>((resolve, reject) => {
    service.stdout.on('data', (text: Buffer) => text.includes('orders is connected') && resolve())
    service.once('exit', (code) => reject(new Error(`the service ended (${code})`)))
  })

  for (const command of commands.filter((line) => line.startsWith('npx outpost'))) {
    const { code, stdout, stderr } = await outpost(t, argumentsOf(command), settings)
    assert.equal(code, 0, `${command}\n${stderr}`)
    if (command.includes('plan run')) assert.deepEqual(JSON.parse(stdout), { state: 'ORD-7 is on its way' })
    else assert.match(stdout, /● {2}/, command)
  }

  const [, body = ''] = /-d '(.+)'$/.exec(commands.find((line) => line.startsWith('curl')) ?? '') ?? []
  const response = await fetch(`${server.url}/outpost/plans`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body
  })
  const { plan } = (await response.json()) as { plan: { results: unknown[] } }
  assert.deepEqual(plan.results, [{ state: 'ORD-7 is on its way' }])
})
