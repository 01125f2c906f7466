import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { temporaryFolder } from '../helpers/folder.ts'
import { onEnd } from '../helpers/on-end.ts'
import { startScripted } from '../http/scripted-services.ts'
import { outpost } from './outpost.ts'

const orders = {
  get: { operationId: 'list', summary: 'Lists orders', responses: { 200: { description: 'ok', content: { 'text/plain': {} } } } },
  post: { operationId: 'create', summary: 'Creates an order', responses: {} },
  put: { operationId: 'upload', requestBody: { required: true, content: { 'image/png': {} } }, responses: {} }
}
const document = JSON.stringify({
  openapi: '3.1.0',
  info: { title: 'Shop', version: '1' },
  servers: [{ url: 'http://shop.test' }],
  paths: { '/orders': orders }
})

/** The real HTTP side with real toolboxes, and the command line that is pointed at it with an administrator's key. */
async function startServer(t: TestContext) {
  const server = await startScripted()
  onEnd(t, () => server.app.close())
  onEnd(t, () => server.toolboxes.close())
  const { secret } = server.services.keys.create({ name: 'root', role: 'administrator', lane: 'interactive' })
  const folder = temporaryFolder(t)
  const file = join(folder, 'shop.json')
  writeFileSync(file, document)
  const asked = (args: string[], { input, env }: { input?: string; env?: Record<string, string> } = {}) => {
    const settings = { home: folder, env: { OUTPOST_URL: server.url, OUTPOST_KEY: secret, ...env } }
    return outpost(t, ['toolbox', ...args], { ...settings, ...(input === undefined ? {} : { input }) })
  }
  const own = server.services.plans.projects.own.id
  return { asked, file, folder, own, server, boxes: () => server.toolboxes.list(own) }
}

test('an OpenAPI file is added, and it is said what became a service, what waits for a person, and what was left out and why', async (t) => {
  const { asked, file } = await startServer(t)
  const { code, stdout, stderr } = await asked(['add', 'shop', '--openapi', file])
  assert.equal(code, 0, stderr)
  assert.match(
    stdout,
    /^t_\w{22}\nToolbox +shop \(HTTP API\)\nTarget +http:\/\/shop\.test\nApproval +tasks that may change something wait for a person\n/
  )
  assert.match(stdout, /^● +shop\.list +list +runs at once$/m)
  assert.match(stdout, /^● +shop\.create +create +waits for a person$/m)
  assert.match(stdout, /\nNot offered\n {2}upload: .*image\/png/)
})

test('the key of an API comes from an option, a file or a pipe, and is not shown', async (t) => {
  const { asked, file, folder } = await startServer(t)
  const headerFile = join(folder, 'header')
  writeFileSync(headerFile, 'X-Key: canary-of-the-file\n')
  for (const [name, args, input] of [
    ['one', ['--header', 'Authorization: Bearer canary-of-the-option'], ''],
    ['two', ['--header-file', headerFile], ''],
    ['three', ['--header-file', '-'], 'X-Key: canary-of-the-pipe']
  ] as const) {
    const { code, stdout, stderr } = await asked(['add', name, '--openapi', file, ...args], { input })
    assert.equal(code, 0, stderr)
    assert.doesNotMatch(stdout, /canary/)
  }
  const wrong = await asked(['add', 'four', '--openapi', file, '--header', 'canary-without-a-name'])
  assert.deepEqual([wrong.code, wrong.stderr.includes('--header wants one line'), wrong.stderr.includes('canary')], [2, true, false])
})

test('a model is added with fewer operations and another approval', async (t) => {
  const { asked, boxes } = await startServer(t)
  const { code, stderr } = await asked(['add', 'ai', '--llm', '--only', 'write', '--only', 'extract', '--approval', 'always', '--model', 'small'])
  assert.equal(code, 0, stderr)
  const [box] = boxes()
  assert.deepEqual([box?.target, box?.approval, box?.services.map(({ operation }) => operation)], ['small', 'always', ['write', 'extract']])
})

test('all that stands after --mcp-command is the command, and a secret of its environment need not stand on the command line', async (t) => {
  const { asked, boxes } = await startServer(t)
  const program = join(import.meta.dirname, '../plans/tools/mcp-server.ts')
  const args = [
    'add',
    'team',
    '--env',
    'TOKEN',
    '--env',
    'LEVEL=a=b',
    '--json',
    '--mcp-command',
    process.execPath,
    '--no-warnings',
    program,
    '--json'
  ]
  const { code, stdout, stderr } = await asked(args, { env: { TOKEN: 'canary-token' } })
  assert.equal(code, 0, stderr)
  assert.doesNotMatch(stdout, /canary/)
  assert.equal(JSON.parse(stdout).toolbox.id, boxes()[0]?.id)
  const refreshed = await asked(['refresh', 'team'])
  assert.match(refreshed.stdout, /^● +team\.add-numbers +addNumbers +runs at once$/m)
  const unset = await asked(['add', 'other', '--env', 'NOT_SET_HERE', '--mcp-command', 'x'])
  assert.match(unset.stderr, /--env NOT_SET_HERE is not set here/)
})

test('toolboxes are listed, shown, changed and removed by name', async (t) => {
  const { asked, file, boxes } = await startServer(t)
  assert.match((await asked(['list'])).stdout, /There is no toolbox/)
  await asked(['add', 'shop', '--openapi', file])
  const [box] = boxes()
  assert.match((await asked(['list'])).stdout, new RegExp(`^shop +${box?.id} +openapi +2 +1 +changes +http://shop\\.test$`, 'm'))
  const replaced = await asked(['add', 'shop', '--replace', '--openapi', file, '--only', 'list', '--server', 'http://other.test'])
  assert.match(replaced.stdout, /Target +http:\/\/other\.test/)
  assert.deepEqual(JSON.parse((await asked(['show', 'shop', '--json'])).stdout).toolbox.id, box?.id)
  assert.deepEqual(await asked(['rm', 'shop']), { code: 0, stdout: `shop (${box?.id}) is removed, and its service with it.\n`, stderr: '' })
  const gone = await asked(['show', 'shop'])
  assert.deepEqual([gone.code, gone.stderr], [1, 'outpost: there is no toolbox "shop": there is none\n'])
})

test('what does not go together is refused before anything is sent', async (t) => {
  const { asked, file, boxes } = await startServer(t)
  for (const [args, said] of [
    [['add', 'x'], 'toolbox add wants one of --llm, --openapi, --mcp-command, --mcp-url, got none'],
    [['add', 'x', '--llm', '--openapi', file], 'got --llm and --openapi'],
    [['add', 'x', '--llm', '--header', 'a: b'], '--header means nothing with --llm; leave it out'],
    [['add', 'x', '--mcp-command'], '--mcp-command wants the command after it'],
    [['add', 'x', '--llm', '--approval', 'maybe'], '--approval must be changes or always or never, got "maybe"'],
    [['add'], 'NAME is missing'],
    [['sing'], 'toolbox has no "sing"']
  ] as const) {
    const { code, stderr } = await asked([...args])
    assert.deepEqual([code, stderr.includes(said)], [2, true], stderr)
  }
  assert.deepEqual(boxes(), [])
})

test('service list and show say which services are built in, by what, and which wait for a person', async (t) => {
  const { asked, file, folder, server } = await startServer(t)
  await asked(['add', 'shop', '--openapi', file])
  const { secret } = server.services.keys.create({ name: 'other', role: 'administrator', lane: 'interactive' })
  const service = (...args: string[]) => outpost(t, ['service', ...args], { home: folder, env: { OUTPOST_URL: server.url, OUTPOST_KEY: secret } })
  const { stdout } = await service('list')
  assert.match(stdout, /^● +shop\.list +s_\w+ +HTTP +1 +- +- +Lists orders$/m)
  assert.match(stdout, /^● +shop\.create +s_\w+ +HTTP +1 +- +needed +Creates an order$/m)
  assert.match(
    (await service('show', 'shop.create')).stdout,
    /State +built in \(HTTP\), can be used\n[\s\S]*Approval +every task of it waits for a person/
  )
})
