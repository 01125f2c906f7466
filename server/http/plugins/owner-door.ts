import type { IncomingMessage, Server } from 'node:http'

const ownerServers = new WeakSet<object>()

/** Requests that come in through this server (the unix socket in the home folder, mode 0600) are the owner's. */
export function markOwnerServer(server: Server): void {
  ownerServers.add(server)
}

/** Whether a request came through the owner's own door. Nothing inside the request can claim it. */
export function isOwnerConnection(raw: IncomingMessage): boolean {
  // Node sets `server` on every socket that a net.Server accepts; the types do not have it.
  const server = (raw.socket as { server?: object } | null)?.server
  return server !== undefined && ownerServers.has(server)
}
