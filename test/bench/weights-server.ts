import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

// A file server that costs as little as can be, in a process of its own: the file is one piece of memory over and over.
process.once('message', ({ piece, repetitions }: { piece: string; repetitions: number }) => {
  const bytes = Buffer.from(piece, 'base64')
  const size = bytes.length * repetitions
  const server = createServer((request, response) => {
    const [, first = '0', last = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
    const isPart = request.headers.range !== undefined
    const to = last === '' ? size : Number(last) + 1
    let at = Number(first)
    response.writeHead(isPart ? 206 : 200, {
      'content-length': to - at,
      'accept-ranges': 'bytes',
      etag: '"bench"',
      ...(isPart ? { 'content-range': `bytes ${first}-${to - 1}/${size}` } : {})
    })
    const send = () => {
      while (at < to) {
        const offset = at % bytes.length
        const length = Math.min(bytes.length - offset, to - at, 1024 * 1024)
        at += length
        if (!response.write(bytes.subarray(offset, offset + length))) return response.once('drain', send)
      }
      return response.end()
    }
    send()
  })
  server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
})
process.once('disconnect', () => process.exit())
