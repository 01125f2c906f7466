import type { ServerResponse } from 'node:http'
import type { SessionStore } from '../../store/sessions.ts'

/** Requests that browsers have running, so that they end with the sign-in they came by. */
export function createSessionRequests(sessions: SessionStore): { add(session: string, response: ServerResponse): void; close(): void } {
  const bySession = new Map<string, Set<ServerResponse>>()
  const stopListening = sessions.onEnded((id) => {
    const running = [...(bySession.get(id) ?? [])]
    // In the next turn: whoever signed out is answered, and whose key was revoked is told so.
    setImmediate(() => {
      for (const response of running) if (!response.writableEnded) response.destroy()
    })
  })
  return {
    add(session, response) {
      const running = bySession.get(session) ?? new Set()
      bySession.set(session, running.add(response))
      response.once('close', () => {
        running.delete(response)
        if (running.size === 0 && bySession.get(session) === running) bySession.delete(session)
      })
    },
    close: stopListening
  }
}
