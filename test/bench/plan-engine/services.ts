import { connectPlanService, type PlanService } from '../../helpers/plan-service.ts'
import { startPlanningEndpoint } from '../../helpers/planning-endpoint.ts'
import { shapeIn, toDraftPlan } from './shapes.ts'

/**
 * The services of the plans, and the model that plans them: a process of its own, so that their work is not counted as the engine's. They come
 * back within moments when the server starts again.
 */
export type ServicesOrder =
  /** `workMs`: how long each task takes. */
  | { kind: 'connect'; url: string; key: string; count: number; workMs: number }
  | { kind: 'model-delay'; ms: number }
  /** Tasks of the last service wait from now on, or go on. */
  | { kind: 'hold' }
  | { kind: 'release' }
  /** Resolves when the last service was asked about so many different tasks since it was held, or since `forget`. */
  | { kind: 'await-asked'; count: number }
  | { kind: 'forget' }
  | { kind: 'report' }

/** `firstTaskAt`: when the first service was asked with each message. Times are Unix milliseconds with fractions. */
export type ServicesReport = {
  modelUrl: string
  modelCalls: number
  tasks: number
  /** Handler runs for a key that had been done before. */
  repeated: number
  /** Of each task but the first of a plan: from the end of the one before to its own beginning, here. For plans whose tasks are a chain. */
  gapsMs: number[]
  firstTaskAt: Record<string, number>
  lastAskedAt: number
}

const now = () => performance.timeOrigin + performance.now()
/** Keeps what is connected until the process ends. */
const ending = { after: () => {} }

let services: PlanService[] = []
let modelDelayMs = 0
let gate: Promise<void> | undefined
let openGate = () => {}
const asked = new Set<string>()
let lastAskedAt = 0
let onAsked = () => {}
let gapsMs: number[] = []
const doneAt = new Map<string, number>()
let firstTaskAt: Record<string, number> = {}

const model = await startPlanningEndpoint(ending, async (prompt) => {
  if (modelDelayMs > 0) await new Promise((resolve) => setTimeout(resolve, modelDelayMs))
  return toDraftPlan(
    shapeIn(prompt),
    services.map(({ id }) => id)
  )
})

async function connect({ url, key, count, workMs }: Extract<ServicesOrder, { kind: 'connect' }>): Promise<void> {
  const names = ['first', 'second', 'third', 'fourth', 'fifth'].slice(0, count)
  const own: PlanService[] = []
  for (const [i, name] of names.entries()) {
    const isLast = i === count - 1
    const service = await connectPlanService(ending, {
      url,
      projectKey: key,
      name: `${name}-echo`,
      description: `Gives back the message that it is given (${name} of its kind).`,
      reconnectMs: 2,
      async handler({ input }) {
        const message = String(input['message'])
        const before = doneAt.get(message)
        if (before !== undefined) gapsMs.push(performance.now() - before)
        if (i === 0) firstTaskAt[message] ??= now()
        if (workMs > 0) await new Promise((resolve) => setTimeout(resolve, workMs))
        if (isLast) await gate
        doneAt.set(message, performance.now())
        return { message }
      }
    })
    own.push(service)
  }
  own.at(-1)?.requests.listen(({ idempotencyKey }) => {
    if (gate === undefined) return
    asked.add(idempotencyKey)
    lastAskedAt = now()
    onAsked()
  })
  services = own
}

async function carryOut(order: ServicesOrder): Promise<void> {
  if (order.kind === 'connect') await connect(order)
  else if (order.kind === 'model-delay') modelDelayMs = order.ms
  else if (order.kind === 'hold') {
    asked.clear()
    gate = new Promise((resolve) => {
      openGate = resolve
    })
  } else if (order.kind === 'release') {
    gate = undefined
    openGate()
  } else if (order.kind === 'forget') {
    asked.clear()
    gapsMs = []
    doneAt.clear()
    firstTaskAt = {}
  } else if (order.kind === 'await-asked') {
    await new Promise<void>((resolve) => {
      onAsked = () => {
        if (asked.size >= order.count) resolve()
      }
      onAsked()
    })
  }
}

function report(): ServicesReport {
  const runs = services.flatMap(({ runs }) => [...runs.values()])
  const tasks = runs.length
  const repeated = runs.reduce((sum, count) => sum + count - 1, 0)
  return { modelUrl: model.url, modelCalls: model.calls, tasks, repeated, gapsMs, firstTaskAt, lastAskedAt }
}

process.on('message', (order: ServicesOrder) => {
  void carryOut(order).then(() => process.send?.(report()))
})
process.on('disconnect', () => process.exit(0))
