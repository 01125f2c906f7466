import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Config } from '../../config.ts'
import { toAppError } from '../../errors.ts'
import { checkRedis, connectRedis, describeRedis, untilReady } from '../../queue/redis.ts'
import { findRedisServer } from '../../queue/redis-server.ts'
import type { Finding } from './finding.ts'

const oldest = [6, 2] as const
const answerMs = 3000

/** The Redis that would carry the queue: the one of `REDIS_URL`, asked as it runs; else the program that would be started. */
export async function checkRedisHere({ redisUrl }: Config): Promise<Finding> {
  return redisUrl === undefined ? await checkProgram() : await checkRunning(redisUrl)
}

async function checkRunning(url: string): Promise<Finding> {
  const what = describeRedis({ url })
  const client = connectRedis({ url }, { name: 'outpost-doctor' })
  try {
    await untilReady(client, what, answerMs)
    await checkRedis(client, what)
    return { check: 'Redis', state: 'fine', message: `${what} answers and evicts nothing (REDIS_URL)` }
  } catch (error) {
    return { check: 'Redis', state: 'broken', message: toAppError(error).message, advice: 'correct that, or unset REDIS_URL to use one of our own' }
  } finally {
    client.disconnect()
  }
}

async function checkProgram(): Promise<Finding> {
  const check = 'Redis'
  const install = 'run npm start (it installs it), install Redis 6.2 or newer, or set REDIS_URL'
  const program = findRedisServer()
  if (program === undefined) return { check, state: 'broken', message: 'redis-server is not installed', advice: install }
  const { stdout } = await promisify(execFile)(program, ['--version'], { timeout: answerMs })
  const [, version = 'of an unknown version', major, minor] = / v=((\d+)\.(\d+)\S*)/.exec(stdout) ?? []
  // Valkey's numbers go on from Redis 7.2.
  const isOld = major === undefined || Number(major) < oldest[0] || (Number(major) === oldest[0] && Number(minor) < oldest[1])
  const message = `${program} ${version}`
  return isOld ? { check, state: 'broken', message: `${message} is too old`, advice: install } : { check, state: 'fine', message }
}
