import { connect, type Socket } from 'node:net'

/**
 * The load generator, a process of its own: raw HTTP/1.1 over kept-alive sockets, because a real client's parsing would be most of what is
 * measured. Told what to do over the message channel.
 */
export type LoadOrder =
  | { kind: 'rounds'; port: number; streams: number; rounds: number; body: string }
  /** Each stream asks again as soon as it has its answer, and begins at another moment: `streams` are always open. */
  | { kind: 'paced'; port: number; streams: number; each: number; spreadMs: number; body: string }
  | { kind: 'closed-loop'; port: number; streams: number; requests: number; body: string }
  | { kind: 'hold'; port: number; streams: number; body: string }
  | { kind: 'release' }

/** Milliseconds to the first token, of each request. `chunks`: server-sent events with text. */
export type LoadReport = { ttft: number[]; wallMs: number; chunks: number; failed: number }

const textMark = Buffer.from('"content":"')
const emptyMark = Buffer.from('"content":""')

class Connection {
  socket: Socket | undefined
  sentAt = 0
  firstAt = 0
  chunks = 0
  tail: Buffer = Buffer.alloc(0)
  done: ((ok: boolean) => void) | undefined
  onFirst: (() => void) | undefined

  open(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve())
      socket.setNoDelay(true)
      socket.once('error', reject)
      socket.on('data', (data) => this.read(data))
      socket.on('close', () => this.finish(false))
      this.socket = socket
    })
  }

  request(request: Buffer): Promise<boolean> {
    this.firstAt = 0
    this.tail = Buffer.alloc(0)
    this.sentAt = performance.now()
    return new Promise((resolve) => {
      this.done = resolve
      this.socket?.write(request)
    })
  }

  read(data: Buffer): void {
    const seen = this.tail.length > 0 ? Buffer.concat([this.tail, data]) : data
    let at = 0
    let counted = 0
    for (;;) {
      const found = seen.indexOf(textMark, at)
      if (found === -1) break
      if (seen.length < found + emptyMark.length) break
      if (seen.compare(emptyMark, 0, emptyMark.length, found, found + emptyMark.length) !== 0) counted++
      at = found + textMark.length
    }
    if (counted > 0) {
      this.chunks += counted
      if (this.firstAt === 0) {
        this.firstAt = performance.now()
        this.onFirst?.()
      }
    }
    // With the line end before it: headers may end in a zero, too.
    if (seen.toString('latin1', Math.max(0, seen.length - 7)) === '\r\n0\r\n\r\n') {
      this.finish(true)
      return
    }
    this.tail = seen.subarray(Math.max(at, seen.length - 64))
  }

  finish(ok: boolean): void {
    const { done } = this
    this.done = undefined
    done?.(ok)
  }
}

let connections: Connection[] = []

async function open(port: number, count: number): Promise<void> {
  for (const connection of connections) connection.socket?.destroy()
  connections = Array.from({ length: count }, () => new Connection())
  for (let i = 0; i < count; i += 100) await Promise.all(connections.slice(i, i + 100).map((connection) => connection.open(port)))
}

async function run(order: LoadOrder): Promise<LoadReport> {
  if (order.kind === 'release') {
    for (const connection of connections) connection.socket?.destroy()
    connections = []
    return { ttft: [], wallMs: 0, chunks: 0, failed: 0 }
  }
  const { port, streams, body } = order
  const request = Buffer.from(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )
  await open(port, streams)
  const ttft: number[] = []
  let failed = 0
  const one = async (connection: Connection) => {
    const ok = await connection.request(request)
    if (ok && connection.firstAt > 0) ttft.push(connection.firstAt - connection.sentAt)
    else failed++
    return ok
  }
  const startedAt = performance.now()
  if (order.kind === 'hold') {
    await Promise.all(
      connections.map(
        (connection) =>
          new Promise<void>((resolve) => {
            connection.onFirst = resolve
            void connection.request(request).then((ok) => {
              if (!ok) failed++
              resolve()
            })
          })
      )
    )
  } else if (order.kind === 'paced') {
    await Promise.all(
      connections.map(async (connection) => {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * order.spreadMs))
        for (let i = 0; i < order.each && (await one(connection)); i++) await new Promise((resolve) => setTimeout(resolve, Math.random() * 20))
      })
    )
  } else if (order.kind === 'rounds') {
    for (let round = 0; round < order.rounds; round++) {
      await Promise.all(connections.map(one))
      await new Promise((resolve) => setTimeout(resolve, 10 + Math.random() * 20))
    }
  } else {
    let left = order.requests
    await Promise.all(
      connections.map(async (connection) => {
        while (left-- > 0 && (await one(connection)));
      })
    )
  }
  const wallMs = performance.now() - startedAt
  const chunks = connections.reduce((sum, connection) => sum + connection.chunks, 0)
  if (order.kind !== 'hold') for (const connection of connections) connection.socket?.destroy()
  return { ttft, wallMs, chunks, failed }
}

process.on('message', (order: LoadOrder) => {
  void run(order).then((report) => process.send?.(report))
})
process.on('disconnect', () => process.exit(0))
