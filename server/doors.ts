import { chmodSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Config } from './config.ts'
import { AppError, toAppError } from './errors.ts'
import type { buildApp } from './http/app.ts'
import { markOwnerServer } from './http/plugins/owner-door.ts'
import { isLoopback } from './loopback.ts'
import { ownerDoor } from './socket-path.ts'
import type { KeyStore } from './store/keys.ts'

type App = Awaited<ReturnType<typeof buildApp>>

/** Other machines are let in only with keys, and over plain HTTP only when that is asked for. Throws `forbidden` with what to do. */
export function refuseOpenDoor(config: Config, keys: KeyStore, insecureHttp: boolean): void {
  if (isLoopback(config.host)) return
  if (!keys.anyActive()) {
    throw new AppError(
      'forbidden',
      `listening on ${config.host} lets others in, and there is no key yet: make one with \`outpost keys create NAME\` while the server runs on 127.0.0.1, or set OUTPOST_ADMIN_KEY`
    )
  }
  if (!insecureHttp) {
    throw new AppError(
      'forbidden',
      `listening on ${config.host} without TLS shows keys and prompts to the network: put a TLS proxy in front and listen on 127.0.0.1, or add --insecure-http to accept it`
    )
  }
}

/** Listens for clients. Returns the address, `http://127.0.0.1:4477`. Throws what hinders it, in one line. */
export async function openFrontDoor(app: App, config: Config): Promise<string> {
  try {
    await app.listen({ host: config.host, port: config.port, backlog: 4096 })
  } catch (cause) {
    throw listenError(cause, config)
  }
  const bound = app.server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : config.port
  return `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`
}

/** An address to open on this machine: what listens everywhere is called by no name in particular. */
export function reachable(address: string): string {
  return address.replace(/\/\/(0\.0\.0\.0|\[::\])(?=:)/, '//localhost')
}

/** The owner's own door: a socket in the home folder that no one else may open. What comes through it may administer. */
export async function openOwnerDoor(app: App, home: string): Promise<{ close(): Promise<void> }> {
  const server = createServer((request, response) => app.routing(request, response))
  markOwnerServer(server)
  const path = ownerDoor(home)
  const isFile = process.platform !== 'win32'
  // One that a crashed predecessor left; the lock on the home folder says that nobody listens there.
  if (isFile) rmSync(path, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ path }, resolve)
  })
  if (isFile) chmodSync(path, 0o600)
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}

function listenError(cause: unknown, config: Config): AppError {
  const { code } = cause as NodeJS.ErrnoException
  if (code === 'EADDRINUSE')
    return new AppError(
      'conflict',
      `port ${config.port} on ${config.host} is taken: stop what uses it, or choose another with --port (0: any free one)`,
      { cause }
    )
  if (code === 'EACCES')
    return new AppError('forbidden', `port ${config.port} may not be used by this user: choose one over 1023 with --port`, { cause })
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return new AppError('invalid_request', `${config.host} is not an address of this machine: choose another with --host`, { cause })
  return toAppError(cause)
}
