import { type ChildProcess, fork } from 'node:child_process'
import type { CatalogueEntry } from '#contracts/model.ts'
import type { PullLimits } from '../../server/models/pull/pull-limits.ts'
import type { SourceSettings } from '../../server/models/sources/choose.ts'

export type Puller = {
  child: ChildProcess
  /** Bytes it last said are here. */
  received(): number
  /** Resolves at the first progress of so many bytes. */
  until(received: number): Promise<void>
  /** The path of the file. */
  ended: Promise<string>
}

/** A real process that pulls. */
export function startPuller(
  folder: string,
  entry: CatalogueEntry,
  sources: SourceSettings,
  { limits = {}, rate }: { limits?: Partial<PullLimits>; rate?: number } = {}
): Puller {
  const script = new URL('./pull-process.ts', import.meta.url).pathname
  const parameters = [folder, JSON.stringify(entry), JSON.stringify(sources), JSON.stringify(limits), ...(rate === undefined ? [] : [String(rate)])]
  const child = fork(script, parameters, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const ended = Promise.withResolvers<string>()
  let received = -1
  const waiters: { bytes: number; resolve: () => void }[] = []
  child.on('message', (message: { received?: number; ended?: string }) => {
    if (message.ended !== undefined) ended.resolve(message.ended)
    received = Math.max(received, message.received ?? -1)
    for (const waiter of waiters) if (received >= waiter.bytes) waiter.resolve()
  })
  const until = (bytes: number) =>
    new Promise<void>((resolve) => {
      if (received >= bytes) resolve()
      else waiters.push({ bytes, resolve })
    })
  return { child, received: () => received, until, ended: ended.promise }
}
