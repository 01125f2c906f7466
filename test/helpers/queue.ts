import { ChatRequest } from '#contracts/chat.ts'
import type { Receipt } from '#contracts/job.ts'
import type { Client } from '#contracts/key.ts'
import { createFakeEngine } from '../../server/engines/fake/fake-engine.ts'
import { FakeTraits } from '../../server/engines/fake/fake-script.ts'
import { runChat } from '../../server/jobs/chat.ts'
import { runEmbed } from '../../server/jobs/embed.ts'
import { createLog } from '../../server/log.ts'
import { openBlobStore } from '../../server/queue/blobs.ts'
import { createDispatcher, type Submission } from '../../server/queue/dispatcher.ts'
import { takeJobs } from '../../server/queue/job-taker.ts'
import { createOutbox } from '../../server/queue/outbox.ts'
import { connectRedis, untilReady } from '../../server/queue/redis.ts'
import { startOwnRedis } from '../../server/queue/redis-server.ts'
import { temporaryFolder } from './folder.ts'
import { type Ending, onEnd } from './on-end.ts'

export const log = createLog({ level: process.env.OUTPOST_LOG_LEVEL ?? 'silent' })
export const client: Client = { id: 'local', name: 'local', role: 'local', lane: 'interactive' }

/** A real Redis of its own, ended with the test. */
export async function testRedis(t: Ending) {
  const home = temporaryFolder(t)
  const redis = await startOwnRedis({ home, log })
  onEnd(t, () => redis.stop())
  return { home, redis, address: { socket: redis.socket } }
}

/** A gateway's dispatcher on that Redis. */
export async function testDispatcher(
  t: Ending,
  { home, redis }: { home: string; redis: { socket: string } },
  options: {
    gateway?: string
    maxQueue?: number
    slots?: number
    onEnded?: (models: string[]) => void
    waitOf?: (model: string) => { reason: string; ms: number | null } | undefined
  } = {}
) {
  const commands = connectRedis({ socket: redis.socket }, { failFast: true })
  const blocking = connectRedis({ socket: redis.socket })
  await untilReady(commands, redis.socket)
  const receipts: Receipt[] = []
  const heard = new Set<(receipt: Receipt) => void>()
  const dispatcher = createDispatcher({
    gateway: options.gateway ?? 'g1',
    commands,
    blocking,
    blobs: openBlobStore(`${home}/blobs`),
    maxQueue: options.maxQueue ?? 100,
    slotsOf: () => options.slots ?? 1,
    ...(options.waitOf === undefined ? {} : { waitOf: options.waitOf }),
    onReceipts: (fresh) => {
      receipts.push(...fresh)
      options.onEnded?.(fresh.map(({ model }) => model))
      for (const receipt of fresh) for (const listener of heard) listener(receipt)
    },
    log
  })
  let closed = false
  const close = async () => {
    if (closed) return
    closed = true
    await dispatcher.close()
    commands.disconnect()
  }
  onEnd(t, close)
  const receiptOf = (jobId: string): Promise<Receipt> => {
    const past = receipts.find((receipt) => receipt.jobId === jobId)
    if (past !== undefined) return Promise.resolve(past)
    return new Promise((resolve) => heard.add((receipt) => receipt.jobId === jobId && resolve(receipt)))
  }
  return { dispatcher, receipts, receiptOf, commands, close }
}

/** A worker of the fake engine inside the test's process. */
export async function testWorker(
  t: Ending,
  { home, redis }: { home: string; redis: { socket: string } },
  options: { model?: string; slots?: number; workerId?: string; contextWindow?: number } = {}
) {
  const address = { socket: redis.socket }
  const engine = await createFakeEngine(FakeTraits.parse({ slots: options.slots ?? 1, contextWindow: options.contextWindow ?? 8192 }))
  const connections = [connectRedis(address), connectRedis(address), connectRedis(address)] as const
  const taker = takeJobs({
    model: options.model ?? 'fake',
    workerId: options.workerId ?? 'w1',
    concurrency: engine.description.slots,
    redis: connections[0],
    subscriber: connections[2],
    blobs: openBlobStore(`${home}/blobs`),
    outbox: createOutbox(connections[1], log),
    handle: (job, context) => (job.kind === 'chat' ? runChat(engine, job.request, context) : runEmbed(engine, job.request, context)),
    log
  })
  onEnd(t, async () => {
    await taker.stop()
    for (const connection of connections) connection.disconnect()
  })
  return taker
}

export function chat(
  script = '',
  options: Partial<Omit<Submission, 'kind' | 'request'>> & { content?: string; model?: string; n?: number; maxTokens?: number } = {}
): Submission {
  const { content, model, n, maxTokens, ...rest } = options
  return {
    client,
    lane: 'normal',
    priority: 0,
    requestId: 'r',
    detached: false,
    ...rest,
    kind: 'chat',
    request: ChatRequest.parse({
      model: model ?? 'fake',
      messages: [{ role: 'user', content: content ?? `fake: ${script}` }],
      generation: { ...(n === undefined ? {} : { n }), ...(maxTokens === undefined ? {} : { maxTokens }) }
    })
  }
}
