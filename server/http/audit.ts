import type { Client } from '#contracts/key.ts'
import type { Log } from '../log.ts'

/** One line of the log for each thing an administrator changes: who, what, and to what. Never secrets. */
export function audit(log: Log, client: Client, action: string, details: Record<string, unknown> = {}): void {
  log.info({ audit: true, clientId: client.id, clientName: client.name, role: client.role, action, ...details }, 'administration')
}
