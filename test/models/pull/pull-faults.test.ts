import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync, writevSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AppError } from '../../../server/errors.ts'
import { pullFile } from '../../../server/models/pull/pull-file.ts'
import type { FilePull } from '../../../server/models/pull/pull-from-source.ts'
import { usualLimits } from '../../../server/models/pull/pull-limits.ts'
import { chooseSources } from '../../../server/models/sources/choose.ts'
import { blobName } from '../../../server/models/store/store-files.ts'
import { assertSameBytes, fileOf, settings, sha256Of, someBytes, temporaryFolder } from '../fixtures.ts'
import { rangeOf, sendPart, startWebServer, type WebServer } from '../web-server.ts'

const MiB = 1024 * 1024
const limits = { ...usualLimits, partBytes: MiB, pausesMs: [] }
const never = new AbortController().signal

/** A pull in this process, without the thread around it. */
function pullHere(folder: string, bytes: Buffer, servers: WebServer[], change: Partial<FilePull> = {}) {
  const file = fileOf(bytes)
  const warnings: string[] = []
  const failures: string[] = []
  const sources = chooseSources(file, settings({ mirrors: servers.map(({ url }) => `${url}/files`) }))
  const done = pullFile({
    model: 'some-model',
    file,
    folder,
    sources,
    limits,
    rates: [],
    signal: never,
    onProgress: () => {},
    onFailure: ({ reason }) => failures.push(reason),
    onWarning: (message) => warnings.push(message),
    ...change
  })
  return { done, warnings, failures, blob: join(folder, blobName(file.sha256)) }
}

const flipped = (bytes: Buffer, at: number) => {
  const wrong = Buffer.from(bytes)
  wrong[at] = (wrong[at] ?? 0) ^ 1
  return wrong
}

test('a large file comes in parts over several connections at once, each byte asked for once', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes(12 * MiB + 77)
  const held: (() => void)[] = []
  let most = 0
  await using server = await startWebServer((request, response) => {
    const answer = () => sendPart(request, response, bytes)
    if (rangeOf(request, bytes.length)?.from === 0) return answer()
    // Nobody is answered until three wait.
    held.push(answer)
    most = Math.max(most, held.length)
    if (most >= 3) for (const send of held.splice(0)) send()
  })
  const pull = pullHere(folder.path, bytes, [server])
  await pull.done
  assertSameBytes(readFileSync(pull.blob), bytes)
  assert.ok(most >= 3 && most <= 4, `${most} at once`)
  const starts = server.ranges.map((range) => Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1])).sort((a, b) => a - b)
  assert.deepEqual(
    starts,
    Array.from({ length: 13 }, (_, part) => part * MiB)
  )
  assert.deepEqual(readdirSync(folder.path), [blobName(sha256Of(bytes))])
})

test('a server that takes one connection only is not asked for more than that', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes(4 * MiB)
  const refused = Promise.withResolvers<void>()
  let open = 0
  await using server = await startWebServer(async (request, response) => {
    if (open > 0) {
      response.writeHead(503).end(() => refused.resolve())
      return
    }
    open++
    response.once('close', () => open--)
    const { from, to } = rangeOf(request, bytes.length) ?? { from: 0, to: bytes.length }
    response.writeHead(206, { 'content-length': String(to - from), 'content-range': `bytes ${from}-${to - 1}/${bytes.length}` })
    response.write(bytes.subarray(from, from + 1))
    await refused.promise
    response.end(bytes.subarray(from + 1, to))
  })
  const pull = pullHere(folder.path, bytes, [server])
  await pull.done
  assertSameBytes(readFileSync(pull.blob), bytes)
  assert.deepEqual(pull.failures, [])
})

test('a server without ranges gives the file in one stream, also when a part of it is here', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes(3 * MiB)
  await using server = await startWebServer((_request, response) => response.writeHead(200, { 'content-length': String(bytes.length) }).end(bytes))
  const file = fileOf(bytes)
  writeFileSync(join(folder.path, `${blobName(file.sha256)}.partial`), bytes.subarray(0, 1_500_000))
  const pull = pullHere(folder.path, bytes, [server])
  await pull.done
  assertSameBytes(readFileSync(pull.blob), bytes)
  assert.deepEqual(server.ranges, [`bytes=1500000-${2 * MiB - 1}`])
})

test('a server that lies about its ranges is told from one that does not, and left', async () => {
  const bytes = someBytes(3 * MiB)
  const lies: [what: string, handle: Parameters<typeof startWebServer>[0], reason: RegExp][] = [
    [
      'another range',
      (request, response) => sendPart(request, response, bytes, { 'content-range': `bytes 5-${MiB + 4}/${bytes.length}` }),
      /answered bytes 0-1048575 with "bytes 5-/
    ],
    [
      'no range',
      (request, response) => sendPart(request, response, bytes, { 'content-range': 'bytes */*' }),
      /answered bytes 0-1048575 with "bytes \*\/\*"/
    ],
    [
      'more than was asked for',
      (request, response) => sendPart(request, response, bytes, { 'content-range': `bytes 0-${2 * MiB}/${bytes.length}` }),
      /answered bytes 0-1048575 with/
    ],
    [
      'another size',
      (request, response) => sendPart(request, response, bytes, { 'content-range': `bytes 0-${MiB - 1}/${bytes.length + 1}` }),
      /has a file of 3145729 bytes, the catalogue says 3145728/
    ],
    [
      'another length',
      (_request, response) => response.writeHead(200, { 'content-length': '1000' }).end(bytes.subarray(0, 1000)),
      /has a file of 1000 bytes/
    ],
    [
      'a web page',
      (_request, response) => response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>Please sign in</html>'),
      /sent a web page instead of the file/
    ],
    ['nothing', (_request, response) => response.writeHead(204).end(), /answered 204/]
  ]
  for (const [what, handle, reason] of lies) {
    using folder = temporaryFolder()
    using other = temporaryFolder()
    await using liar = await startWebServer(handle)
    await using honest = await startWebServer((request, response) => sendPart(request, response, bytes))
    const pull = pullHere(folder.path, bytes, [liar, honest], { limits: { ...limits, connections: 2 } })
    await assert.rejects(pullHere(other.path, bytes, [liar], { limits: { ...limits, connections: 2 } }).done, reason, what)
    await pull.done
    assertSameBytes(readFileSync(pull.blob), bytes)
    assert.ok(liar.ranges.length < 200, what)
  }
})

test('a body that is longer than its head says is cut there', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes(3 * MiB)
  await using server = await startWebServer((request, response) => {
    const { from, to } = rangeOf(request, bytes.length) ?? { from: 0, to: bytes.length }
    response.writeHead(206, { 'content-range': `bytes ${from}-${to - 1}/${bytes.length}` })
    response.end(Buffer.concat([bytes.subarray(from, to), someBytes(5000)]))
  })
  const pull = pullHere(folder.path, bytes, [server])
  await pull.done
  assertSameBytes(readFileSync(pull.blob), bytes)
})

test('a file that changes while its parts come starts again, and nothing of the old one stays', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes(6 * MiB)
  const older = someBytes(6 * MiB)
  let answers = 0
  await using server = await startWebServer((request, response) => {
    const isNew = ++answers > 2
    sendPart(request, response, isNew ? bytes : older, { etag: isNew ? '"new"' : '"old"' })
  })
  const pull = pullHere(folder.path, bytes, [server])
  await pull.done
  assertSameBytes(readFileSync(pull.blob), bytes)
})

test('a source whose file changes each time it is asked is left', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes(3 * MiB)
  let version = 0
  await using server = await startWebServer((request, response) => sendPart(request, response, bytes, { etag: `"${version++}"` }))
  await assert.rejects(pullHere(folder.path, bytes, [server]).done, /another version of the file now/)
})

test('a connection on which nothing comes any more is given up for the next source, and goes on from there', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes(2 * MiB)
  await using silent = await startWebServer((request, response) => {
    const { from, to } = rangeOf(request, bytes.length) ?? { from: 0, to: bytes.length }
    response.writeHead(206, { 'content-range': `bytes ${from}-${to - 1}/${bytes.length}` })
    // One byte of progress a try would keep it for ever; there is none after the first.
    response.write(from === 0 ? bytes.subarray(0, 700_000) : '')
    response.flushHeaders()
  })
  await using mute = await startWebServer(() => {})
  await using good = await startWebServer((request, response) => sendPart(request, response, bytes))
  const pull = pullHere(folder.path, bytes, [mute, silent, good], { limits: { ...limits, connections: 1, stallMs: 60 } })
  await pull.done
  assertSameBytes(readFileSync(pull.blob), bytes)
  assert.deepEqual(pull.failures, ['sent nothing for 0.06 s', 'sent nothing for 0.06 s'])
  assert.match(good.ranges[0] ?? '', /^bytes=700000-/)
})

test('one wrong bit of one source costs the parts up to it from another, not the file', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes(24 * MiB)
  let served = 0
  await using bad = await startWebServer((request, response) => sendPart(request, response, flipped(bytes, 5 * MiB + 5)))
  await using good = await startWebServer((request, response) => {
    const { from, to } = rangeOf(request, bytes.length) ?? { from: 0, to: bytes.length }
    served += to - from
    sendPart(request, response, bytes)
  })
  const pull = pullHere(folder.path, bytes, [bad, good])
  await pull.done
  assertSameBytes(readFileSync(pull.blob), bytes)
  assert.ok(served < 14 * MiB, `${served} bytes for one bit`)
  assert.match(pull.failures[0] ?? '', /sent a wrong file: sha256 [0-9a-f]{64}, the catalogue says/)
  assert.match(pull.warnings[0] ?? '', /is asked for the parts that are wrong/)
})

test('a bit that flipped on the way is found by asking the only source again', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes(9 * MiB)
  let hasFlipped = false
  await using server = await startWebServer((request, response) => {
    const range = rangeOf(request, bytes.length)
    const isHit = !hasFlipped && range !== undefined && range.from <= 4 * MiB && range.to > 4 * MiB
    if (isHit) hasFlipped = true
    sendPart(request, response, isHit ? flipped(bytes, 4 * MiB + 1) : bytes)
  })
  const pull = pullHere(folder.path, bytes, [server])
  await pull.done
  assertSameBytes(readFileSync(pull.blob), bytes)
})

test('a source that sends the same wrong file twice has a wrong file, and nothing of it stays', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes(3 * MiB)
  await using server = await startWebServer((request, response) => sendPart(request, response, flipped(bytes, 5)))
  await assert.rejects(pullHere(folder.path, bytes, [server]).done, /sent a wrong file/)
  assert.deepEqual(readdirSync(folder.path), [])
})

test('what went bad on the disk between two tries costs one block', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes(9 * MiB)
  const stop = new AbortController()
  await using server = await startWebServer((request, response) => {
    if (stop.signal.aborted) return sendPart(request, response, bytes)
    response.writeHead(200, { 'content-length': String(bytes.length) })
    response.write(bytes.subarray(0, 6 * MiB))
  })
  const one = { ...limits, connections: 1 }
  const onProgress = ({ received }: { received: number }) => {
    if (received === 6 * MiB) stop.abort()
  }
  const first = pullHere(folder.path, bytes, [server], { signal: stop.signal, limits: one, onProgress })
  await assert.rejects(first.done)
  const partial = `${first.blob}.partial`
  writeFileSync(partial, flipped(readFileSync(partial), 2 * MiB + 9))
  const second = pullHere(folder.path, bytes, [server], { limits: one })
  await second.done
  assertSameBytes(readFileSync(second.blob), bytes)
  assert.match(second.warnings.join(), /the disk gave back other bytes than came for the part at 2097152/)
  assert.deepEqual(server.ranges, [undefined, `bytes=${6 * MiB}-`, `bytes=${2 * MiB}-${3 * MiB - 1}`])
})

test('a server that vanishes at 99 % costs the last percent', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes(6 * MiB)
  const end = Math.floor(bytes.length * 0.99)
  const first = await startWebServer((request, response) => {
    const { from, to } = rangeOf(request, bytes.length) ?? { from: 0, to: bytes.length }
    if (to <= end) return sendPart(request, response, bytes)
    response.writeHead(206, { 'content-length': String(to - from), 'content-range': `bytes ${from}-${to - 1}/${bytes.length}` })
    response.write(bytes.subarray(from, end), () => {
      response.destroy()
      void first.close()
    })
  })
  const { port } = first
  await assert.rejects(
    pullHere(folder.path, bytes, [first], { limits: { ...limits, connections: 1 } }).done,
    /ECONNREFUSED|ended after|socket hang up|aborted/
  )
  await using second = await startWebServer((request, response) => sendPart(request, response, bytes), port)
  const pull = pullHere(folder.path, bytes, [second], { limits: { ...limits, connections: 1 } })
  await pull.done
  assertSameBytes(readFileSync(pull.blob), bytes)
  assert.deepEqual(second.ranges, [`bytes=${end}-`])
})

test('the only source is waited for when it goes away in the middle', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes(3 * MiB)
  let away = 0
  await using server = await startWebServer((request, response) => {
    if (request.headers.range === undefined) {
      response.writeHead(200, { 'content-length': String(bytes.length) })
      response.write(bytes.subarray(0, MiB), () => response.destroy())
    } else if (away++ < 3) request.destroy()
    else sendPart(request, response, bytes)
  })
  const pull = pullHere(folder.path, bytes, [server], { limits: { ...limits, connections: 1, pausesMs: [1, 1, 1] } })
  await pull.done
  assertSameBytes(readFileSync(pull.blob), bytes)
  assert.equal(away, 4)
})

test('a disk that is full at any byte keeps what came before, and the next pull asks for the rest only', async () => {
  const bytes = someBytes(3 * MiB + 4321)
  let served = 0
  await using server = await startWebServer((request, response) => {
    const { from, to } = rangeOf(request, bytes.length) ?? { from: 0, to: bytes.length }
    served += to - from
    sendPart(request, response, bytes)
  })
  const places = [0, 1, 4095, 65_536, MiB - 1, MiB, MiB + 1, 2 * MiB + 12_345, bytes.length - 1]
  for (const room of places) {
    using folder = temporaryFolder()
    let left = room
    const writePieces: FilePull['writePieces'] = (handle, pieces, position) => {
      if (left === 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
      const piece = pieces[0]?.subarray(0, left) ?? new Uint8Array()
      const written = writevSync(handle, [piece], position)
      left -= written
      return written
    }
    const full = pullHere(folder.path, bytes, [server], { writePieces, limits: { ...limits, connections: 1 } })
    await assert.rejects(full.done, (error) => error instanceof AppError && error.code === 'disk_full', `${room}`)
    served = 0
    const again = pullHere(folder.path, bytes, [server], { limits: { ...limits, connections: 1 } })
    await again.done
    assertSameBytes(readFileSync(again.blob), bytes)
    // What was written and not yet noted comes again: one write of 256 KiB at most.
    assert.ok(served <= bytes.length - room + 256 * 1024 + 65_536, `${room}: ${served} again`)
  }
})

test('two pulls are not promised the same room', async () => {
  using folder = temporaryFolder()
  const { bavail, bsize } = await (await import('node:fs/promises')).statfs(folder.path)
  const reached = Promise.withResolvers<void>()
  const stop = new AbortController()
  await using silent = await startWebServer(() => reached.resolve())
  const sources = chooseSources(fileOf(Buffer.alloc(0)), settings({ mirrors: [silent.url] }))
  const huge = { name: 'huge.bin', size: bavail * bsize - 2000 * MiB, sha256: '1'.repeat(64), sources: [] }
  const first = pullHere(folder.path, Buffer.alloc(1), [], { file: huge, sources, signal: stop.signal })
  await reached.promise
  const small = { name: 'small.bin', size: 4000 * MiB, sha256: '2'.repeat(64), sources: [] }
  await assert.rejects(pullHere(folder.path, Buffer.alloc(1), [], { file: small, sources }).done, /small\.bin needs .* MB in/)
  stop.abort()
  await assert.rejects(first.done)
})

test('a journal of another file, of garbage or cut short is no obstacle', async () => {
  const bytes = someBytes(2 * MiB)
  await using server = await startWebServer((request, response) => sendPart(request, response, bytes))
  for (const journal of [Buffer.from('garbage'), someBytes(40), Buffer.alloc(0), Buffer.concat([Buffer.from('outpost pull 1\n\0'), someBytes(30)])]) {
    using folder = temporaryFolder()
    const base = join(folder.path, blobName(sha256Of(bytes)))
    writeFileSync(`${base}.partial`, someBytes(MiB))
    writeFileSync(`${base}.partial.journal`, journal)
    const pull = pullHere(folder.path, bytes, [server])
    await pull.done
    assertSameBytes(readFileSync(pull.blob), bytes)
  }
})
