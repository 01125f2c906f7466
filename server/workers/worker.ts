import { setTimeout as delay } from 'node:timers/promises'
import type { Engine } from '../engines/engine.ts'
import { toAppError } from '../errors.ts'
import { runChat } from '../jobs/chat.ts'
import { runEmbed } from '../jobs/embed.ts'
import { createLog, type Log } from '../log.ts'
import { openBlobStore } from '../queue/blobs.ts'
import { takeJobs } from '../queue/job-taker.ts'
import { createOutbox } from '../queue/outbox.ts'
import { connectRedis } from '../queue/redis.ts'
import { WorkerCommand, type WorkerOrder, type WorkerReport } from './worker-protocol.ts'

/** A worker that cannot hand in its receipts in this time ends all the same. */
const lastWordsMs = 3000

/**
 * The worker process: loads one model, takes its jobs. It ends when it is told to, and when the process that started it is gone
 * (the message channel closes), after stopping its jobs and handing in what they cost.
 */
export async function runWorker(): Promise<void> {
  // Ctrl-C in a terminal goes to the whole group; when to stop is the supervisor's to say.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => {})
  const orphaned = new Promise<void>((resolve) => process.once('disconnect', resolve))
  let loaded = false
  process.on('disconnect', () => {
    if (!loaded) process.exit(0)
  })
  const order = await firstOrder()
  const log = createLog({ level: order.logLevel, name: `worker ${order.model}` })
  let engine: Engine
  try {
    engine = await loadEngine(order, log)
  } catch (cause) {
    const error = toAppError(cause, 'engine_failed')
    report({ type: 'failed', code: error.code, message: error.message })
    process.exit(1)
  }
  loaded = true
  const redis = connectRedis(order.redis)
  const replies = connectRedis(order.redis)
  const subscriber = connectRedis(order.redis)
  const outbox = createOutbox(replies, log)
  const { description } = engine
  const taker = takeJobs({
    model: order.model,
    workerId: order.workerId,
    concurrency: description.slots,
    redis,
    subscriber,
    blobs: openBlobStore(order.blobs),
    outbox,
    handle: (job, context) => (job.kind === 'chat' ? runChat(engine, job.request, context) : runEmbed(engine, job.request, context)),
    log
  })
  report({
    type: 'ready',
    contextWindow: description.contextWindow,
    slots: description.slots,
    embeddingDimensions: description.embeddingDimensions ?? null,
    details: description.details
  })

  const drain = await Promise.race([orphaned.then(() => false), toldToStop()])
  if (drain) await Promise.race([taker.stop({ drain }), orphaned])
  await Promise.race([taker.stop({ drain: false }), delay(lastWordsMs)])
  await Promise.race([engine[Symbol.asyncDispose](), delay(lastWordsMs)])
  process.exit(0)
}

async function loadEngine(order: WorkerOrder, log: Log): Promise<Engine> {
  const onProgress = (percent: number) => report({ type: 'load-progress', percent })
  if (order.engine === 'fake') {
    const { createFakeEngine, fakeTraitsOf } = await import('../engines/fake/fake-engine.ts')
    return createFakeEngine({ ...fakeTraitsOf(order.path), ...(order.slots === null ? {} : { slots: order.slots }) })
  }
  const { loadLlamaEngine } = await import('../engines/llama/llama-engine.ts')
  return await loadLlamaEngine({
    modelId: order.model,
    path: order.path,
    kind: order.kind,
    threads: order.threads,
    ...(order.slots === null ? {} : { slots: order.slots }),
    contextWindow: order.contextWindow,
    onProgress,
    log
  })
}

function firstOrder(): Promise<WorkerOrder> {
  return new Promise((resolve) => {
    const listen = (message: unknown) => {
      const command = WorkerCommand.parse(message)
      if (command.type !== 'order') process.exit(0)
      process.off('message', listen)
      resolve(command)
    }
    process.on('message', listen)
  })
}

/** Resolves with whether running requests may go on to their end. */
function toldToStop(): Promise<boolean> {
  return new Promise((resolve) => {
    process.on('message', (message) => {
      const command = WorkerCommand.safeParse(message).data
      if (command?.type === 'stop') resolve(command.drain)
    })
  })
}

function report(message: WorkerReport): void {
  if (process.connected) process.send?.(message, () => {})
}
