import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from './helpers/folder.ts'
import { startTestServer, type TestServer, testEnvironment } from './helpers/server.ts'
import { placeWeights } from './helpers/weights.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const scripts = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }).scripts
/** Where the README's server listens; here another one stands for it. */
const address = 'http://127.0.0.1:4477'

const blocks = (language: string) => [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text)
const commands = blocks('sh').flatMap((block) => block.trim().split('\n'))
const npmScript = /^npm (start|test)$/

test('the first commands of README.md are npm start and npm test, and both are scripts', () => {
  assert.deepEqual(commands.slice(0, 2), ['npm start', 'npm test'])
  assert.ok(scripts['start'] && scripts['test'])
})

test('every file that a page links to is there', () => {
  const pages = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/**/*.md', { cwd: root })]
  const links = pages.flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, target = '']) => ({ page, target }))
  )
  assert.ok(links.length > 10, 'the links are found')
  assert.deepEqual(
    links.filter(({ page, target }) => !existsSync(join(root, dirname(page), target))),
    []
  )
})

describe('what README.md shows works when it is pasted', () => {
  const endings: (() => unknown)[] = []
  let server: TestServer

  before(async () => {
    const context = { after: (end: () => unknown) => void endings.push(end) }
    const home = temporaryFolder(context)
    await placeWeights(home)
    server = await startTestServer(context, { home, catalogue: null, args: ['--no-pull'] })
  })
  after(async () => {
    for (const end of endings.reverse()) await end()
  })

  for (const command of commands.filter((line) => !npmScript.test(line))) {
    test(command.length > 60 ? `${command.slice(0, 60)}…` : command, async () => {
      const output = await run('sh', ['-c', command.replaceAll(address, server.url)], server)
      if (command.startsWith('curl')) assert.match(output, /"delta":\{"content":".+data: \[DONE\]\n\n$/s)
      else assert.notEqual(output.trim(), '')
    })
  }

  const [script = ''] = blocks('js')
  test('the JavaScript example', async () => {
    const output = await run(process.execPath, ['--input-type=module', '-e', script.replaceAll(address, server.url)], server)
    assert.notEqual(output.trim(), '')
  })

  const [program = ''] = blocks('python')
  if (spawnSync('python3', ['-c', 'import openai'], { stdio: 'ignore' }).status === 0) {
    test('the Python example', async () => {
      const output = await run('python3', ['-c', program.replaceAll(address, server.url)], server)
      assert.notEqual(output.trim(), '')
    })
  } else console.log('left out: the Python example of README.md (no python3 with the package openai on this machine: pip install openai)')
})

/** Its stdout, in the checkout and with the server's home. Rejects, with what it said, when it ends with anything but 0. */
function run(file: string, args: string[], server: TestServer): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(file, args, { cwd: root, env: testEnvironment(server.home), timeout: 60_000 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${error.message}\n${stdout}\n${stderr}`))
    })
  })
}
