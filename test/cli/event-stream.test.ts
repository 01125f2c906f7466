import assert from 'node:assert/strict'
import test from 'node:test'
import { readEventStream } from '../../server/cli/event-stream.ts'

const stream = Buffer.from(
  ': queued position=3\n\nid: 0\nevent: text-delta\ndata: {"text":"naïve — 日本"}\n\ndata:one\r\ndata: two\r\n\r\nevent: nothing\n\ndata: not ended'
)
const events = [
  { event: 'text-delta', data: '{"text":"naïve — 日本"}' },
  { event: 'message', data: 'one\ntwo' }
]

async function* inPieces(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

test('events come out the same however the bytes were cut', async () => {
  for (let size = 1; size <= stream.length; size++) assert.deepEqual(await Array.fromAsync(readEventStream(inPieces(stream, size))), events)
})
