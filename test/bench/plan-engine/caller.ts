import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Who asks for the plans and hears by webhook how they ended: a process of its own. */
export type CallerOrder =
  | { kind: 'register'; url: string }
  /** `concurrent` plans at a time until so many were asked for or `limitMs` are over. Each has another value. The first ones begin over `spreadMs`. */
  | { kind: 'plans'; action: string; field: string; plans: number; concurrent: number; limitMs: number; spreadMs: number }
  /** Only asks for them. */
  | { kind: 'start'; action: string; field: string; plans: number }
  /** Resolves when all that were started have ended. */
  | { kind: 'await-ends' }
  | { kind: 'get'; path: string; times: number }

/**
 * `ms`: of each plan, from the request to its webhook; of each GET, to the end of its answer. `sentAt`: Unix milliseconds by the plan's value.
 * `right` and `wrong`: plans that ended well, with their own value or another's. `failed`: refused, failed, or not ended in time; `reason` of the first.
 */
export type CallerReport = {
  projectId: string
  key: string
  ms: number[]
  wallMs: number
  ended: number
  right: number
  wrong: number
  failed: number
  reason: string
  sentAt: Record<string, number>
  bytes: number
  ids: string[]
}

type End = { status: string; results: unknown }

const agent = new Agent({ keepAlive: true, maxSockets: 512 })
const patienceMs = 60_000
let base = new URL('http://127.0.0.1')
let projectId = ''
let key = ''
let lastValue = 0
/** A webhook may come before the answer to its request. */
const early = new Map<string, End>()
const waiting = new Map<string, (end: End) => void>()
let started: Promise<End>[] = []

const receiver = createServer(async (incoming, response) => {
  const pieces: Buffer[] = []
  for await (const piece of incoming) pieces.push(piece)
  response.writeHead(200).end()
  const { orchestration_id: id, status, results } = JSON.parse(Buffer.concat(pieces).toString())
  const resolve = waiting.get(id)
  waiting.delete(id)
  if (resolve === undefined) early.set(id, { status, results })
  else resolve({ status, results })
})
await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', 4096, resolve))
const webhook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/` // It listens on TCP.

function send(method: string, path: string, body?: object): Promise<{ status: number; text: string }> {
  const text = body === undefined ? '' : JSON.stringify(body)
  const headers: Record<string, string | number> = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
  if (key !== '') headers['authorization'] = `Bearer ${key}`
  return new Promise((resolve, reject) => {
    const outgoing = request({ agent, host: base.hostname, port: base.port, method, path, headers }, (response) => {
      let answer = ''
      response.setEncoding('utf8')
      response.on('data', (piece: string) => (answer += piece))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: answer }))
      response.on('error', reject)
    })
    outgoing.on('error', reject)
    outgoing.end(text)
  })
}

function endOf(id: string): Promise<End> {
  const past = early.get(id)
  early.delete(id)
  return past === undefined ? new Promise((resolve) => waiting.set(id, resolve)) : Promise.resolve(past)
}

async function ask(action: string, field: string, value: string): Promise<string> {
  const { status, text } = await send('POST', '/orchestrations', { action: { type: 'bench', content: action }, data: [{ field, value }] })
  if (status !== 202) throw new Error(`${status} ${text.slice(0, 300)}`)
  return JSON.parse(text).id
}

async function within<Value>(promise: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end within ${patienceMs} ms`)), patienceMs)
  })
  return await Promise.race([promise, tooLate]).finally(() => clearTimeout(timer))
}

async function plans(order: Extract<CallerOrder, { kind: 'plans' }>, report: CallerReport): Promise<void> {
  let left = order.plans
  const until = performance.now() + order.limitMs
  const one = async () => {
    const value = `value ${++lastValue}`
    const sentAt = performance.now()
    report.sentAt[value] = performance.timeOrigin + sentAt
    try {
      const id = await ask(order.action, order.field, value)
      const { status, results } = await within(endOf(id))
      report.ms.push(performance.now() - sentAt)
      report.ids.push(id)
      report.ended++
      if (status !== 'completed') throw new Error(`a plan is ${status}`)
      if (JSON.stringify(results ?? null).includes(`"${value}"`)) report.right++
      else report.wrong++
    } catch (error) {
      report.failed++
      report.reason ||= String(error)
    }
  }
  const lane = async (_: unknown, i: number) => {
    if (order.spreadMs > 0) await new Promise((resolve) => setTimeout(resolve, (order.spreadMs * i) / order.concurrent))
    while (left-- > 0 && performance.now() < until) await one()
  }
  await Promise.all(Array.from({ length: Math.min(order.concurrent, order.plans) }).map(lane))
}

async function carryOut(order: CallerOrder): Promise<CallerReport> {
  const report: CallerReport = {
    projectId,
    key,
    ms: [],
    wallMs: 0,
    ended: 0,
    right: 0,
    wrong: 0,
    failed: 0,
    reason: '',
    sentAt: {},
    bytes: 0,
    ids: []
  }
  const startedAt = performance.now()
  if (order.kind === 'register') {
    base = new URL(order.url)
    key = ''
    const { status, text } = await send('POST', '/register/project', { name: 'bench', webhooks: [webhook] })
    if (status !== 201) throw new Error(`the project was not registered: ${status} ${text}`)
    const project = JSON.parse(text)
    projectId = report.projectId = project.id
    key = report.key = project.apiKey
  } else if (order.kind === 'plans') await plans(order, report)
  else if (order.kind === 'start') {
    const ids = await Promise.all(Array.from({ length: order.plans }, () => ask(order.action, order.field, `value ${++lastValue}`)))
    started = ids.map(endOf)
  } else if (order.kind === 'await-ends') {
    const ends = await within(Promise.all(started))
    report.ended = ends.length
    report.failed = ends.filter(({ status }) => status !== 'completed').length
  } else {
    for (let i = 0; i < order.times; i++) {
      const sentAt = performance.now()
      const { status, text } = await send('GET', order.path)
      report.ms.push(performance.now() - sentAt)
      report.bytes = text.length
      if (status !== 200) throw new Error(`GET ${order.path}: ${status} ${text.slice(0, 300)}`)
    }
  }
  report.wallMs = performance.now() - startedAt
  return report
}

process.on('message', (order: CallerOrder) => {
  void carryOut(order).then((report) => process.send?.(report))
})
process.on('disconnect', () => process.exit(0))
