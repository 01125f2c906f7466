import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError, loadConfig } from '../server/config.ts'
import { temporaryFolder } from './helpers/folder.ts'

test('nothing set: loopback, the usual port, the platform’s home, one core left free', () => {
  const config = loadConfig({})
  assert.deepEqual([config.host, config.port, config.airGap, config.redisUrl], ['127.0.0.1', 4477, false, undefined])
  assert.match(config.home, /outpost$/i)
  assert.ok(config.threads >= 1)
  assert.ok(Object.isFrozen(config))
})

test('an empty variable counts as unset, lists are split, a home is made absolute', () => {
  const config = loadConfig({
    OUTPOST_PORT: '',
    REDIS_URL: '',
    OUTPOST_MIRRORS: ' /a , https://b/c ,, ',
    OUTPOST_LAN_ALLOW: 'hooks.lan, 10.1.0.0/16, fd00::/8, 192.168.1.7',
    OUTPOST_HOME: 'here',
    OUTPOST_AIR_GAP: 'true'
  })
  assert.equal(config.port, 4477)
  assert.equal(config.redisUrl, undefined)
  assert.deepEqual(config.mirrors, ['/a', 'https://b/c'])
  assert.deepEqual(config.lanAllow, ['hooks.lan', '10.1.0.0/16', 'fd00::/8', '192.168.1.7'])
  assert.equal(config.home, join(process.cwd(), 'here'))
  assert.equal(config.airGap, true)
})

test('a variable that cannot be used is refused in one line with its name and what was got', () => {
  const cases: [name: string, value: string][] = [
    ['OUTPOST_PORT', '70000'],
    ['OUTPOST_PORT', '-1'],
    ['OUTPOST_THREADS', '0'],
    ['OUTPOST_SLOTS', '1.5'],
    ['OUTPOST_MAX_BODY', '10'],
    ['OUTPOST_AIR_GAP', 'yes'],
    ['OUTPOST_LAN_ALLOW', '10.0.0.0/33'],
    ['OUTPOST_LAN_ALLOW', 'http://hooks.lan'],
    ['OUTPOST_LAN_ALLOW', 'hooks.lan, 10.0.0.300'],
    ['REDIS_URL', 'http://localhost'],
    ['REDIS_URL', 'localhost:6379'],
    ['OUTPOST_LOG_LEVEL', 'loud'],
    ['OUTPOST_URL', 'ftp://x'],
    ['HF_ENDPOINT', 'nonsense']
  ]
  for (const [name, value] of cases) {
    assert.throws(
      () => loadConfig({ [name]: value }),
      (error: unknown) =>
        error instanceof ConfigError &&
        error.message.startsWith(`${name}: `) &&
        error.message.endsWith(`got "${value}"`) &&
        !error.message.includes('\n'),
      `${name}=${value}`
    )
  }
})

test('the rule is said in words, not as the checker says it', () => {
  const messages: Record<string, string> = {
    OUTPOST_THREADS: 'OUTPOST_THREADS: must be at least 1, got "0"',
    OUTPOST_LOG_LEVEL: 'OUTPOST_LOG_LEVEL: must be one of "trace", "debug", "info", "warn", "error", "silent", got "0"',
    REDIS_URL: 'REDIS_URL: must be an address that begins with redis://, rediss:// or unix://, got "0"'
  }
  for (const [name, message] of Object.entries(messages)) assert.throws(() => loadConfig({ [name]: '0' }), { message })
})

test('a key is never repeated, whichever way it was given', (t) => {
  assert.throws(
    () => loadConfig({ OUTPOST_ADMIN_KEY: 'canary' }),
    (error: Error) => /OUTPOST_ADMIN_KEY: must have at least 16/.test(error.message) && !error.message.includes('canary')
  )
  const file = join(temporaryFolder(t), 'key')
  writeFileSync(file, 'canary\n')
  assert.throws(
    () => loadConfig({ OUTPOST_ADMIN_KEY_FILE: file }),
    (error: Error) => /OUTPOST_ADMIN_KEY_FILE: .* at least 16/.test(error.message) && !error.message.includes('canary')
  )
  writeFileSync(file, 'op-a-key-that-is-long-enough\n')
  assert.equal(loadConfig({ OUTPOST_ADMIN_KEY_FILE: file }).adminKey, 'op-a-key-that-is-long-enough')
  assert.throws(() => loadConfig({ OUTPOST_ADMIN_KEY_FILE: join(file, 'none') }), /OUTPOST_ADMIN_KEY_FILE: .*ENOTDIR/)
})
