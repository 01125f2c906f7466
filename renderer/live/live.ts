import { useSyncExternalStore } from 'react'
import type { LiveEvent } from '#contracts/live.ts'
import { ApiError, stream } from '../api.ts'
import { backoffMs } from './backoff.ts'
import { applyLiveEvent, type LiveState, nothingKnown } from './live-state.ts'

/** The server says something at least each 15 s; who hears nothing for this long has lost it without being told. */
const silenceMs = 40_000
/** A browser opens six connections to one server for all its tabs, so one that nobody looks at gives its own back after this long. */
const hiddenMs = 20_000
/** From so many tries in vain on it is called offline. */
const offlineAfter = 3

let state = nothingKnown
let run: AbortController | undefined
let lastEventId: string | undefined
const listeners = new Set<() => void>()
const eventListeners = new Set<(event: LiveEvent) => void>()

/** One part of what is known of the server; drawn again only when that part changes. */
export function useLive<Part>(select: (state: LiveState) => Part): Part {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => select(state)
  )
}

/** Calls back with each event as it comes. Returns how to stop that. */
export function onLiveEvent(listener: (event: LiveEvent) => void): () => void {
  eventListeners.add(listener)
  return () => eventListeners.delete(listener)
}

/**
 * Follows the server until the returned function is called. It comes back by itself, sooner when the network or the tab does, and goes on
 * where it was. `onDoubt`: it does not know this browser any more, or it has come back and may take it for somebody else.
 */
export function followServer(onDoubt: () => void): () => void {
  const controller = new AbortController()
  run = controller
  lastEventId = undefined
  void keepFollowing(controller, onDoubt)
  return () => {
    controller.abort()
    if (run === controller) update({ ...nothingKnown })
  }
}

async function keepFollowing({ signal }: AbortController, onDoubt: () => void): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    await untilSeen(signal)
    const connection = new AbortController()
    const stop = () => connection.abort()
    const unwatch = watchHidden(stop)
    signal.addEventListener('abort', stop, { once: true })
    try {
      await followOnce(connection, () => {
        if (failures > 0) onDoubt()
        failures = 0
        update({ ...state, connection: 'live' })
      })
    } catch (error) {
      if (error instanceof ApiError && (error.status === 401 || error.code === 'key_revoked')) {
        lastEventId = undefined
        onDoubt()
      }
    } finally {
      unwatch()
      signal.removeEventListener('abort', stop)
    }
    if (signal.aborted) return
    if (document.hidden) continue
    failures++
    update({ ...state, connection: failures >= offlineAfter || !navigator.onLine ? 'offline' : 'reconnecting' })
    await pause(backoffMs(failures), signal)
  }
}

/** Reads until the connection ends in whatever way. */
async function followOnce(connection: AbortController, onOpen: () => void): Promise<void> {
  let watchdog: ReturnType<typeof setTimeout> | undefined
  const onBytes = () => {
    clearTimeout(watchdog)
    watchdog = setTimeout(() => connection.abort(), silenceMs)
  }
  try {
    for await (const { id, data } of stream('events', {}, { signal: connection.signal, lastEventId, onBytes, onOpen })) {
      const event = JSON.parse(data) as LiveEvent // The server makes it from the same contract.
      if (event.type === 'error') throw new ApiError(event.code, event.message)
      if (id !== undefined) lastEventId = id
      update(applyLiveEvent(state, event))
      for (const listener of eventListeners) listener(event)
    }
  } finally {
    clearTimeout(watchdog)
  }
}

function update(next: LiveState): void {
  state = next
  for (const listener of listeners) listener()
}

/** Ends the connection of a tab that stays hidden. */
function watchHidden(stop: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const look = () => {
    clearTimeout(timer)
    if (document.hidden) timer = setTimeout(stop, hiddenMs)
  }
  document.addEventListener('visibilitychange', look)
  look()
  return () => {
    clearTimeout(timer)
    document.removeEventListener('visibilitychange', look)
  }
}

function untilSeen(signal: AbortSignal): Promise<void> {
  if (!document.hidden || state.connection === 'connecting') return Promise.resolve()
  return untilEvent([[document, 'visibilitychange']], signal)
}

/** Over sooner when there is reason to hope. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const waited = new AbortController()
  const timer = setTimeout(() => waited.abort(), ms)
  await untilEvent(
    [
      [window, 'online'],
      [document, 'visibilitychange'],
      [waited.signal, 'abort']
    ],
    signal
  )
  clearTimeout(timer)
}

function untilEvent(events: [EventTarget, string][], signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const all: [EventTarget, string][] = [...events, [signal, 'abort']]
    const done = () => {
      for (const [target, name] of all) target.removeEventListener(name, done)
      resolve()
    }
    for (const [target, name] of all) target.addEventListener(name, done)
  })
}
