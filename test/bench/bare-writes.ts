import { createServer, type Socket } from 'node:net'

/**
 * What no gateway can go below: a server that parses nothing and makes nothing, and writes to each socket that asked one ready chunk of the size of
 * ours in each step, all sockets in one turn of the event loop. Arguments: tokens of an answer, milliseconds of a step (0: each turn).
 */
const [tokens = 1, stepMs = 0] = process.argv.slice(2).map(Number)
const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'
const event = `data: ${JSON.stringify({
  id: 'chatcmpl-0123456789abcdef01234567',
  object: 'chat.completion.chunk',
  created: 1_790_000_000,
  model: 'fake',
  service_tier: 'default',
  system_fingerprint: 'outpost-0.1.0',
  choices: [{ index: 0, delta: { content: ' quick' }, logprobs: null, finish_reason: null }]
})}\n\n`
const chunk = `${event.length.toString(16)}\r\n${event}\r\n`

const answers = new Map<Socket, number>()

function step(): void {
  for (const [socket, left] of answers) {
    if (left > 0) socket.write(chunk, 'latin1')
    else socket.write('0\r\n\r\n', 'latin1')
    if (left > 0) answers.set(socket, left - 1)
    else answers.delete(socket)
  }
  if (answers.size > 0) next()
}

function next(): void {
  if (stepMs > 0) setTimeout(step, stepMs)
  else setImmediate(step)
}

const server = createServer({ noDelay: true }, (socket) => {
  let rest = ''
  socket.on('error', () => {})
  socket.on('close', () => answers.delete(socket))
  socket.setEncoding('latin1').on('data', (text: string) => {
    rest += text
    const end = rest.indexOf('\r\n\r\n')
    const length = Number(/content-length: (\d+)/i.exec(rest)?.[1])
    if (end === -1 || rest.length < end + 4 + length) return
    rest = ''
    socket.write(head)
    if (answers.size === 0) next()
    answers.set(socket, tokens)
  })
})
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  const address = server.address()
  process.send?.({ port: typeof address === 'object' ? address?.port : 0 })
})
process.on('disconnect', () => process.exit(0))
