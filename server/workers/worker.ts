import { setTimeout as delay } from 'node:timers/promises'
import type { Engine } from '../engines/engine.ts'
import { toAppError } from '../errors.ts'
import { runChat } from '../jobs/chat.ts'
import { runEmbed } from '../jobs/embed.ts'
import { createLog, type Log } from '../log.ts'
import { WorkerCommand, type WorkerOrder, type WorkerReport } from './worker-protocol.ts'

/** A worker that cannot hand in its receipts in this time ends all the same. */
const lastWordsMs = 3000

/**
 * The worker process: loads one model, takes its jobs. It ends when it is told to, and when the process that started it is gone
 * (the message channel closes), after stopping its jobs and handing in what they cost.
 * `expected`: the engine it will probably be ordered to use, to get ready while the order is being made.
 */
export async function runWorker(expected: string | undefined): Promise<void> {
  // Ctrl-C in a terminal goes to the whole group; when to stop is the supervisor's to say.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => {})
  const orphaned = new Promise<void>((resolve) => process.once('disconnect', resolve))
  let loaded = false
  process.on('disconnect', () => {
    if (!loaded) process.exit(0)
  })
  const commands = listen()
  // A module that cannot be loaded is reported when the order comes.
  if (expected === 'llama') void importLlama().catch(() => {})
  const order = await commands.order
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
  const queue = await importQueue()
  if (!(await Promise.race([commands.mayTake.then(() => true), orphaned.then(() => false), commands.stop.then(() => false)]))) process.exit(0)
  const { connectRedis, createOutbox, openBlobStore, takeJobs } = queue
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
  commands.onHold((held) => (held ? taker.hold() : taker.resume()))
  report({
    type: 'ready',
    contextWindow: description.contextWindow,
    slots: description.slots,
    embeddingDimensions: description.embeddingDimensions ?? null,
    details: description.details
  })

  const drain = await Promise.race([orphaned.then(() => false), commands.stop])
  if (drain) await Promise.race([taker.stop({ drain }), orphaned])
  await Promise.race([taker.stop({ drain: false }), delay(lastWordsMs)])
  await Promise.race([engine[Symbol.asyncDispose](), delay(lastWordsMs)])
  process.exit(0)
}

async function loadEngine(order: WorkerOrder, log: Log): Promise<Engine> {
  const onProgress = (percent: number) => {
    report({ type: 'load-progress', percent })
    // The weights are being read by another thread: time to do what this one needs later.
    void importQueue()
  }
  if (order.engine === 'fake') {
    const { createFakeEngine, fakeTraitsOf } = await import('../engines/fake/fake-engine.ts')
    return createFakeEngine({ ...fakeTraitsOf(order.path), ...(order.slots === null ? {} : { slots: order.slots }) })
  }
  const { loadLlamaEngine } = await importLlama()
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

const importLlama = () => import('../engines/llama/llama-engine.ts')

/** Everything the worker needs of the queue; loaded only while or after the model is, because that is what somebody waits for. */
async function importQueue() {
  const [{ openBlobStore }, { takeJobs }, { createOutbox }, { connectRedis }] = await Promise.all([
    import('../queue/blobs.ts'),
    import('../queue/job-taker.ts'),
    import('../queue/outbox.ts'),
    import('../queue/redis.ts')
  ])
  return { openBlobStore, takeJobs, createOutbox, connectRedis }
}

type Commands = {
  order: Promise<WorkerOrder>
  mayTake: Promise<void>
  /** Calls back with each change of whether new jobs may be taken, and at once when they may not. */
  onHold(listener: (held: boolean) => void): void
  /** Resolves with whether running requests may go on to their end. */
  stop: Promise<boolean>
}

/** What the supervisor says. */
function listen(): Commands {
  const order = Promise.withResolvers<WorkerOrder>()
  const mayTake = Promise.withResolvers<void>()
  const stop = Promise.withResolvers<boolean>()
  let hasOrder = false
  let held = false
  let onHold: (held: boolean) => void = () => {}
  const hold = (next: boolean) => {
    if (held === next) return
    held = next
    onHold(held)
  }
  process.on('message', (message) => {
    const command = WorkerCommand.parse(message)
    if (command.type === 'take') {
      mayTake.resolve()
      hold(false)
    } else if (command.type === 'hold') hold(true)
    else if (command.type === 'order') {
      hasOrder = true
      order.resolve(command)
    } else if (hasOrder) stop.resolve(command.drain)
    else process.exit(0)
  })
  return {
    order: order.promise,
    mayTake: mayTake.promise,
    onHold(listener) {
      onHold = listener
      if (held) listener(true)
    },
    stop: stop.promise
  }
}

function report(message: WorkerReport): void {
  if (process.connected) process.send?.(message, () => {})
}
