import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Config } from '../../config.ts'
import { addressOf } from '../status.ts'
import type { Finding } from './finding.ts'

/** Whether the server could listen where it is told to. `isRunning`: the server of this home does already. */
export async function checkPort({ host, port, ...config }: Config, isRunning: boolean): Promise<Finding> {
  const check = 'port'
  if (isRunning)
    return { check, state: 'fine', message: `this home's server runs at ${addressOf({ ...config, host, port, url: undefined }) ?? host}` }
  const server = createServer()
  server.listen({ host, port })
  try {
    await once(server, 'listening')
    return { check, state: 'fine', message: port === 0 ? `any free one on ${host}` : `${port} on ${host} is free` }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const where = `${port} on ${host}`
    if (code === 'EADDRINUSE')
      return { check, state: 'broken', message: `${where} is taken by another program`, advice: 'stop that one, or set OUTPOST_PORT to another port' }
    if (code === 'EACCES')
      return { check, state: 'broken', message: `${where} may not be used by this user`, advice: 'set OUTPOST_PORT to one over 1023' }
    return { check, state: 'broken', message: `${where} cannot be used (${code})`, advice: 'set OUTPOST_HOST to an address of this machine' }
  } finally {
    server.close()
  }
}
