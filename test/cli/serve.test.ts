import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import test from 'node:test'
import { temporaryFolder } from '../helpers/folder.ts'
import { onEnd } from '../helpers/on-end.ts'
import { fakeCatalogue, writeCatalogue } from '../helpers/server.ts'
import { outpost, startOutpostOnTerminal } from './outpost.ts'

test('on a terminal people read what concerns them, and the log is in a file; Ctrl-C stops everything', async (t) => {
  const home = temporaryFolder(t)
  writeCatalogue(home, fakeCatalogue)
  const env = { OUTPOST_LOG_LEVEL: 'info', NO_COLOR: '1' }
  const run = startOutpostOnTerminal(t, ['serve', '--port', '0'], { home, env })
  const [, url = ''] = await run.says(/Outpost listens on (http:\S+)\r\n/)
  await run.says(/Ready with fake\. From this machine no key is needed/)
  await run.says(/\r\n {2}curl (http:\S+)\/v1\/chat\/completions /)
  assert.equal((await fetch(`${url}/readyz`)).status, 200)

  const second = await outpost(t, ['serve', '--port', '0'], { home })
  assert.equal(second.code, 1)
  assert.match(second.stderr, /^outpost: another Outpost server already runs with the home folder /m)

  run.write('\u0003')
  await run.says(/stopping\r\n/)
  assert.equal(await run.ended, 0)
  assert.ok(!run.stdout().includes('{"level"'), run.stdout())
  const log = join(home, 'logs', 'outpost.log')
  assert.match(readFileSync(log, 'utf8'), /^\{"level":"info".*"listening"\}$/m)
  assert.equal(statSync(log).mode & 0o077, 0)
})

test('a port that is taken ends the start with one line that says what to do', async (t) => {
  const home = temporaryFolder(t)
  writeCatalogue(home, fakeCatalogue)
  const other = createServer()
  onEnd(t, () => other.close())
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  const { code, stdout, stderr } = await outpost(t, ['serve', '--port', String(port)], { home })
  assert.deepEqual([code, stdout], [1, ''])
  assert.equal(stderr, `outpost: port ${port} on 127.0.0.1 is taken: stop what uses it, or choose another with --port (0: any free one)\n`)
})

test('a Redis that is away is told on the terminal, and the server still stops at once', async (t) => {
  const home = temporaryFolder(t)
  writeCatalogue(home, fakeCatalogue)
  const run = startOutpostOnTerminal(t, ['serve', '--port', '0'], { home, env: { NO_COLOR: '1', REDIS_URL: `unix://${home}/none.sock` } })
  await run.says(/⚠ Redis at unix:\/\/\S+none\.sock is unreachable/)
  run.write('\u0003')
  await run.says(/stopping\r\n/)
  assert.equal(await run.ended, 0)
  assert.ok(!run.stdout().includes('Ready with'), run.stdout())
})
