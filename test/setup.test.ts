import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const checkout = fileURLToPath(new URL('..', import.meta.url))
type FindRedis = (options: { path: string; folders: string[] }) => { file: string | undefined; tooOld: string[] }
type PackagesLacking = (root: string, options?: { forTests?: boolean }) => string | undefined
const setup = (await import(join(checkout, 'server', 'setup.mjs'))) as {
  findRedis: FindRedis
  packagesLacking: PackagesLacking
  hashOfConsole: (root: string) => string
}

function temporaryFolder(): { path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'outpost-setup-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

function writeCommand(folder: string, name: string, script: string): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`)
  chmodSync(join(folder, name), 0o755)
}

const lock = {
  packages: {
    '': { name: 'some', version: '1.0.0' },
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
    'node_modules/for-tests': { version: '1.0.0', dev: true },
    'node_modules/for-another-platform': { version: '1.0.0', optional: true }
  }
}

/** A checkout with a lock file and, where given, what npm says it installed. */
function project(folder: string, installed?: Record<string, unknown>): void {
  mkdirSync(join(folder, 'server'), { recursive: true })
  copyFileSync(join(checkout, 'server', 'setup.mjs'), join(folder, 'server', 'setup.mjs'))
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock))
  if (installed === undefined) return
  mkdirSync(join(folder, 'node_modules'), { recursive: true })
  writeFileSync(join(folder, 'node_modules', '.package-lock.json'), JSON.stringify({ packages: installed }))
}

function runSetup(folder: string, variables: Record<string, string> = {}) {
  const { npm_execpath: _, ...environment } = process.env
  return spawnSync(process.execPath, [join(folder, 'server', 'setup.mjs')], { encoding: 'utf8', env: { ...environment, ...variables } })
}

test('with everything there it is silent and calls no npm', () => {
  using folder = temporaryFolder()
  writeCommand(join(folder.path, 'bin'), 'npm', `touch ${folder.path}/npm-was-called`)
  const result = runSetup(checkout, { PATH: `${folder.path}/bin:${process.env.PATH}` })
  assert.deepEqual([result.status, result.stdout, result.stderr], [0, '', ''])
  assert.equal(existsSync(join(folder.path, 'npm-was-called')), false)
})

test('it does not trust dates: what npm says it installed is held against the lock file', () => {
  using folder = temporaryFolder()
  const { '': _, 'node_modules/for-another-platform': __, ...all } = lock.packages
  project(folder.path)
  assert.match(setup.packagesLacking(folder.path) ?? '', /node_modules is missing/)
  project(folder.path, all)
  assert.equal(setup.packagesLacking(folder.path, { forTests: true }), undefined)
  project(folder.path, { ...all, 'node_modules/a': { version: '0.9.0', integrity: 'sha512-a' } })
  assert.match(setup.packagesLacking(folder.path) ?? '', /node_modules\/a is not as in package-lock\.json/)
  project(folder.path, { 'node_modules/a': all['node_modules/a'] })
  assert.equal(setup.packagesLacking(folder.path), undefined, 'a production install needs nothing for tests')
  assert.match(setup.packagesLacking(folder.path, { forTests: true }) ?? '', /for-tests/)
})

test('the console is built anew when a source or contract changed, and not when a file was only touched or moved with its checkout', () => {
  using folder = temporaryFolder()
  using other = temporaryFolder()
  for (const root of [folder.path, other.path]) {
    project(root)
    mkdirSync(join(root, 'renderer', 'dist'), { recursive: true })
    mkdirSync(join(root, 'server', 'contracts'), { recursive: true })
    writeFileSync(join(root, 'renderer', 'main.tsx'), 'one')
    writeFileSync(join(root, 'server', 'contracts', 'api.ts'), 'one')
  }
  const hash = setup.hashOfConsole(folder.path)
  assert.equal(setup.hashOfConsole(other.path), hash)
  writeFileSync(join(folder.path, 'renderer', 'dist', 'index.html'), 'built')
  writeFileSync(join(folder.path, 'renderer', 'main.tsx'), 'one')
  assert.equal(setup.hashOfConsole(folder.path), hash)
  writeFileSync(join(folder.path, 'server', 'contracts', 'api.ts'), 'two')
  assert.notEqual(setup.hashOfConsole(folder.path), hash)
})

test('missing packages are installed with npm ci; when that fails there is one line to type', () => {
  using folder = temporaryFolder()
  const bin = join(folder.path, 'bin')
  writeCommand(bin, 'npm', `echo "$@" >> ${folder.path}/calls; exit 1`)
  project(folder.path)
  const failed = runSetup(folder.path, { PATH: bin })
  assert.equal(failed.status, 1)
  assert.match(failed.stderr, /could not be installed\. Type: cd .* && npm ci --ignore-scripts\n$/)
  assert.match(readFileSync(join(folder.path, 'calls'), 'utf8'), /^ci --ignore-scripts /)

  const installed = JSON.stringify({ packages: { 'node_modules/a': lock.packages['node_modules/a'] } })
  const root = `${folder.path}/node_modules`
  writeCommand(
    bin,
    'npm',
    `/bin/mkdir -p ${root}/node/bin; echo '${installed}' > ${root}/.package-lock.json; /usr/bin/head -c 2000000 /dev/zero > ${root}/node/bin/node`
  )
  const done = runSetup(folder.path, { PATH: bin, REDIS_URL: 'redis://elsewhere' })
  assert.deepEqual([done.status, done.stderr], [0, 'Installing packages (node_modules is missing or was left half-way) …\n'])
  assert.deepEqual([runSetup(folder.path, { PATH: bin, REDIS_URL: 'redis://elsewhere' }).stderr], [''])
})

test('a Node 24 that npm did not fetch is fetched, or the command for it is said', () => {
  using folder = temporaryFolder()
  const bin = join(folder.path, 'bin')
  project(folder.path, { 'node_modules/a': lock.packages['node_modules/a'] })
  mkdirSync(join(folder.path, 'node_modules', 'node'))
  writeCommand(bin, 'npm', `echo "$@" >> ${folder.path}/calls`)
  const failed = runSetup(folder.path, { PATH: bin, REDIS_URL: 'redis://elsewhere' })
  assert.equal(failed.status, 1)
  assert.match(failed.stderr, /Node 24 could not be fetched\. Type: cd .*node_modules\/node && node installArchSpecificPackage\.js\n$/)
  assert.match(readFileSync(join(folder.path, 'calls'), 'utf8'), /^rebuild node /)
  const script = `const fs = require('node:fs'); fs.mkdirSync('bin'); fs.writeFileSync('bin/node', Buffer.alloc(2000000))`
  writeFileSync(join(folder.path, 'node_modules', 'node', 'installArchSpecificPackage.js'), script)
  assert.equal(runSetup(folder.path, { PATH: bin, REDIS_URL: 'redis://elsewhere' }).status, 0)
})

test('Redis is found in the usual folders when PATH is poor, and Valkey counts', () => {
  using folder = temporaryFolder()
  assert.equal(setup.findRedis({ path: '', folders: [folder.path] }).file, undefined)
  writeCommand(folder.path, 'valkey-server', 'echo "Valkey server v=8.1.1 sha=0:0 malloc=libc bits=64"')
  assert.equal(setup.findRedis({ path: '', folders: [folder.path] }).file, join(folder.path, 'valkey-server'))
})

test('a Redis that is too old, or none at all, is passed over for one that will do', () => {
  using folder = temporaryFolder()
  const [old, broken, good] = ['old', 'broken', 'good'].map((name) => join(folder.path, name)) as [string, string, string]
  writeCommand(old, 'redis-server', 'echo "Redis server v=5.0.14 sha=0:0"')
  writeCommand(broken, 'redis-server', 'exit 1')
  mkdirSync(join(folder.path, 'folder', 'redis-server'), { recursive: true })
  const poor = [old, broken, join(folder.path, 'folder')].join(':')
  assert.deepEqual(setup.findRedis({ path: poor, folders: [] }), { file: undefined, tooOld: [`${old}/redis-server is 5.0`] })
  writeCommand(good, 'redis-server', 'echo "Redis server v=6.2.0 sha=0:0"')
  assert.equal(setup.findRedis({ path: `${poor}:${good}`, folders: [] }).file, join(good, 'redis-server'))
})

test('it runs through a link to the checkout', () => {
  using folder = temporaryFolder()
  symlinkSync(checkout, join(folder.path, 'link'))
  assert.deepEqual([runSetup(join(folder.path, 'link')).status], [0])
})
