import { useSyncExternalStore } from 'react'
import type { LiveEvent } from '#contracts/live.ts'
import { ApiError, stream } from '../api.ts'
import { backoffMs } from './backoff.ts'
import { applyLiveEvent, type LiveState, nothingKnown } from './live-state.ts'

/** The server says something at least each 15 s; who hears nothing for this long has lost it without being told. */
const silenceMs = 40_000
/** A browser opens six connections to one server for all its tabs, so one that nobody looks at gives its own back after this long. */
const hiddenMs = 20_000
/** Who was refused is known anew by signing in; this is for a server that changed its mind. */
const refusedMs = 30_000
/** From so many tries in vain on it is called offline. */
const offlineAfter = 3

let state = nothingKnown
let lastEventId: string | undefined
const restarts = new EventTarget()
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
 * Follows the server from now on. It comes back by itself, sooner when the network or the tab does, and goes on where it was. `onDoubt`: the
 * server does not know this browser any more, or the connection has come back and may be taken for somebody else's. Call it once.
 */
export function followServer(onDoubt: () => void): void {
  void keepFollowing(onDoubt)
}

/** To be called when this browser is somebody else from now on: what was seen before is not for it. */
export function followAnew(): void {
  lastEventId = undefined
  update({ ...nothingKnown })
  restarts.dispatchEvent(new Event('restart'))
}

async function keepFollowing(onDoubt: () => void): Promise<never> {
  let failures = 0
  for (;;) {
    await untilSeen()
    const connection = new AbortController()
    const stop = () => connection.abort()
    const unwatch = watchHidden(stop)
    restarts.addEventListener('restart', stop, { once: true })
    let isRefused = false
    let isOver = false
    try {
      await followOnce(connection, () => {
        if (failures > 0) onDoubt()
        failures = 0
        update({ ...state, connection: 'live' })
      })
    } catch (error) {
      isOver = connection.signal.aborted
      isRefused = error instanceof ApiError && (error.status === 401 || error.code === 'key_revoked')
    } finally {
      unwatch()
      restarts.removeEventListener('restart', stop)
    }
    if (isOver) continue
    failures++
    if (isRefused) {
      lastEventId = undefined
      onDoubt()
      await pause(refusedMs)
      continue
    }
    update({ ...state, connection: failures >= offlineAfter || !navigator.onLine ? 'offline' : 'reconnecting' })
    await pause(backoffMs(failures))
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

function untilSeen(): Promise<void> {
  if (!document.hidden || state.connection === 'connecting') return Promise.resolve()
  return untilEvent([
    [document, 'visibilitychange'],
    [restarts, 'restart']
  ])
}

/** Over sooner when there is reason to hope. */
async function pause(ms: number): Promise<void> {
  const waited = new AbortController()
  const timer = setTimeout(() => waited.abort(), ms)
  await untilEvent([
    [window, 'online'],
    [document, 'visibilitychange'],
    [restarts, 'restart'],
    [waited.signal, 'abort']
  ])
  clearTimeout(timer)
}

function untilEvent(events: [EventTarget, string][]): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const [target, name] of events) target.removeEventListener(name, done)
      resolve()
    }
    for (const [target, name] of events) target.addEventListener(name, done)
  })
}
