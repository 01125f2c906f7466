import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { loadConfig, variableNames } from '../server/config.ts'

const page = readFileSync(new URL('../docs/configuration.md', import.meta.url), 'utf8')
const rows = new Map([...page.matchAll(/^\| `([A-Z0-9_]+)` \| (.+?) \| .+ \|$/gm)].map(([, name = '', value = '']) => [name, value]))

test('docs/configuration.md has every variable that is read, and no other', () => {
  assert.deepEqual([...rows.keys()].sort(), [...variableNames].sort())
})

test('docs/configuration.md names the defaults that hold without any variable', () => {
  const config = loadConfig({})
  const defaults = {
    OUTPOST_HOST: config.host,
    OUTPOST_PORT: config.port,
    OUTPOST_AIR_GAP: Number(config.airGap),
    OUTPOST_MAX_QUEUE: config.maxQueue,
    OUTPOST_MEMORY_WAIT: config.memoryWait,
    OUTPOST_IDLE_UNLOAD: config.idleUnload,
    OUTPOST_VERIFY_DAYS: config.verifyDays,
    OUTPOST_MAX_BODY: config.maxBody,
    OUTPOST_PLANNER: config.planner,
    OUTPOST_LOG_LEVEL: config.logLevel,
    HF_ENDPOINT: config.huggingFace.endpoint
  }
  for (const [name, value] of Object.entries(defaults)) assert.equal(rows.get(name), `\`${value}\``, name)
})
