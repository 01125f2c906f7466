import { parseArgs } from 'node:util'
import { ConfigError, loadConfig } from '../config.ts'
import { findServer } from './client.ts'
import type { Finding } from './doctor/finding.ts'
import { checkDisk, checkHome } from './doctor/home.ts'
import { checkGpu, checkMemory, checkNode } from './doctor/machine.ts'
import { checkPort } from './doctor/port.ts'
import { checkRedisHere } from './doctor/redis.ts'
import { checkWeights } from './doctor/weights.ts'
import { createStatusLine, harmless, paint, say, sayJson } from './terminal.ts'

const marks = { fine: ['✔', 'green'], warning: ['⚠', 'yellow'], broken: ['✖', 'red'] } as const

/** Exit code 1 when something is broken. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean', default: false }, deep: { type: 'boolean', default: false } } })
  const status = createStatusLine()
  const findings: Finding[] = []
  for (const [what, look] of checks(values.deep, (text) => status.show(text))) {
    status.show(`${what} …`)
    const found = await look().catch((error: Error): Finding => ({ check: what, state: 'broken', message: error.message }))
    status.clear()
    findings.push(found)
    if (!values.json) say(describe(found))
  }
  const broken = findings.filter(({ state }) => state === 'broken').length
  if (values.json) sayJson({ ok: broken === 0, findings })
  else say(broken === 0 ? '\nNothing hinders Outpost here.' : `\n${broken} ${broken === 1 ? 'thing hinders' : 'things hinder'} Outpost here.`)
  return broken === 0 ? 0 : 1
}

function checks(deep: boolean, show: (text: string) => void): [what: string, look: () => Promise<Finding>][] {
  let config: ReturnType<typeof loadConfig>
  try {
    config = loadConfig()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    // Without settings there is nothing to hold the rest against.
    return [
      ['Node', checkNode],
      ['settings', async () => ({ check: 'settings', state: 'broken', message: error.message, advice: 'correct or unset this variable' })]
    ]
  }
  return [
    ['Node', checkNode],
    ['home folder', () => checkHome(config)],
    ['disk', () => checkDisk(config)],
    ['memory', () => checkMemory(config)],
    ['GPU', checkGpu],
    ['Redis', () => checkRedisHere(config)],
    ['port', async () => checkPort(config, (await findServer({ ...config, url: undefined })) !== undefined)],
    ['weights', () => checkWeights(config, deep, show)]
  ]
}

function describe({ check, state, message, advice }: Finding): string {
  const [mark, colour] = marks[state]
  return `${paint(colour, mark)} ${check}: ${harmless(message)}${advice === undefined ? '' : `\n  → ${advice}`}`
}
