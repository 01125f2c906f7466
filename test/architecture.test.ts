import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Room → the rooms it may import, besides itself, the contracts and the base (config, errors, log, home, socket paths). */
const allowed: Record<string, readonly string[]> = {
  contracts: [],
  base: [],
  engines: [],
  models: [],
  store: [],
  queue: [],
  jobs: ['engines', 'models'],
  workers: ['queue', 'jobs', 'engines'],
  plans: ['store'],
  chats: ['store', 'queue'],
  http: ['queue', 'store', 'models', 'plans', 'chats'],
  compose: ['engines', 'models', 'store', 'queue', 'jobs', 'workers', 'plans', 'chats', 'http'],
  cli: ['compose', 'models', 'workers', 'queue']
}

/** Heavy packages live in one room each, so that swapping one touches one room. */
const packageRooms: Record<string, string> = {
  fastify: 'http',
  '@fastify/static': 'http',
  '@fastify/websocket': 'http',
  '@fastify/swagger': 'http',
  '@fastify/swagger-ui': 'http',
  'fastify-type-provider-zod': 'http',
  bullmq: 'queue',
  ioredis: 'queue',
  'better-sqlite3': 'store',
  'sqlite-vec': 'store',
  '@modelcontextprotocol/client': 'plans',
  'node-llama-cpp': 'engines',
  unpdf: 'chats'
}

const baseFiles = new Set([
  'canonical-json.ts',
  'config.ts',
  'errors.ts',
  'log.ts',
  'home.ts',
  'issue-words.ts',
  'json-depth.ts',
  'loopback.ts',
  'socket-path.ts',
  'version.ts'
])
const composeFiles = new Set([
  'bundle-imports.ts',
  'changes.ts',
  'compose.ts',
  'compose-models.ts',
  'compose-plans.ts',
  'doors.ts',
  'gpu-memory.ts',
  'home-policy.ts',
  'known-models.ts',
  'model-endpoint.ts',
  'model-facts.ts',
  'model-upkeep.ts',
  'plan-models.ts',
  'queued-model.ts'
])

/** The room of a file under `server/`. */
function roomOf(file: string): string {
  const [first = '', second] = relative(join(root, 'server'), file).split('/')
  if (second !== undefined) return first
  if (baseFiles.has(first)) return 'base'
  return composeFiles.has(first) ? 'compose' : 'cli'
}

function importsOf(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^'\s]+)'/g)].map(([, name]) => name ?? '')
}

const files = globSync('server/**/*.ts', { cwd: root }).map((file) => join(root, file))

test('rooms import only what the table allows', () => {
  assert.ok(files.length > 50, 'the files are found')
  const wrong: string[] = []
  for (const file of files) {
    const room = roomOf(file)
    for (const name of importsOf(file)) {
      if (!name.startsWith('.')) continue
      const target = roomOf(resolve(dirname(file), name))
      if (target === room || target === 'contracts' || (target === 'base' && room !== 'contracts')) continue
      if (!(allowed[room] ?? []).includes(target)) wrong.push(`${relative(root, file)} (${room}) imports ${name} (${target})`)
    }
  }
  assert.deepEqual(wrong, [])
})

test('every room is in the table', () => {
  const unknown = new Set(files.map(roomOf).filter((room) => !Object.hasOwn(allowed, room)))
  assert.deepEqual([...unknown], [])
})

test('each heavy package is imported in one room only', () => {
  const wrong: string[] = []
  for (const file of files) {
    for (const name of importsOf(file)) {
      const owner = packageRooms[name]
      if (owner !== undefined && roomOf(file) !== owner) wrong.push(`${relative(root, file)} imports ${name}, which lives in ${owner}`)
    }
  }
  assert.deepEqual(wrong, [])
})

test('the console imports itself and types of the contracts, whose schemas would be most of its first page', () => {
  const wrong = globSync('renderer/**/*.{ts,tsx}', { cwd: root, exclude: ['renderer/dist/**', 'renderer/build/**'] }).flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    const outside = importsOf(join(root, file)).filter(
      (name) => name.startsWith('node:') || (name.startsWith('.') && !resolve(dirname(join(root, file)), name).startsWith(join(root, 'renderer')))
    )
    const values = [...text.matchAll(/^import (?!type )[^']*'(#contracts\/[^']+|zod)'/gm)].map(([, name = '']) => name)
    return [...outside, ...values].map((name) => `${file}: ${name}`)
  })
  assert.deepEqual(wrong, [])
})

test('React is in the console only', () => {
  const isOfConsole = (name: string) => /^(react|react-dom|wouter|lucide-react|@base-ui\/|@tanstack\/)/.test(name)
  assert.deepEqual(
    files.filter((file) => importsOf(file).some(isOfConsole)),
    []
  )
})

test('pages of the console do not know each other', () => {
  const wrong = globSync('renderer/features/*/*.{ts,tsx}', { cwd: root }).flatMap((file) => {
    const own = join(root, dirname(file))
    return importsOf(join(root, file))
      .filter((name) => name.startsWith('.'))
      .map((name) => resolve(dirname(join(root, file)), name))
      .filter((target) => target.startsWith(join(root, 'renderer', 'features')) && !target.startsWith(`${own}/`))
      .map((target) => `${file} imports ${relative(root, target)}`)
  })
  assert.deepEqual(wrong, [])
})

test('contracts import nothing but zod and each other', () => {
  const wrong = files
    .filter((file) => roomOf(file) === 'contracts')
    .flatMap((file) =>
      importsOf(file)
        .filter((name) => name !== 'zod' && !name.startsWith('./'))
        .map((name) => `${relative(root, file)}: ${name}`)
    )
  assert.deepEqual(wrong, [])
})
