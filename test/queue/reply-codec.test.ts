import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Receipt } from '#contracts/job.ts'
import { decodeReplies, encodeReplies, type ReplyEntry } from '../../server/queue/reply-codec.ts'

const usage = { promptTokens: 3, cachedTokens: 1, completionTokens: 2, reasoningTokens: 0 }
const receipt: Receipt = {
  jobId: 'j1',
  requestId: 'r1',
  kind: 'chat',
  clientId: 'local',
  model: 'fake',
  lane: 'normal',
  submittedAt: 1,
  usage,
  queueMs: 1,
  ttftMs: null,
  totalMs: 5,
  finishReason: 'stop',
  errorCode: null
}
const token = { token: 'hé', logprob: -0.5, bytes: [104, 195, 169] }

const entries: ReplyEntry[] = [
  {
    jobId: 'j1',
    attempt: 1,
    seq: 0,
    events: [
      { type: 'generation-start', model: 'fake' },
      { type: 'sequence-start', index: 0 },
      { type: 'text-delta', index: 0, text: 'zoë "quoted" \ud83d\ude00\n' },
      { type: 'text-delta', index: 0, text: 'hé', logprobs: [{ ...token, top: [token] }] },
      { type: 'reasoning-delta', index: 0, text: 'hm' },
      { type: 'tool-call-delta', index: 0, callIndex: 0, id: 'call_1', name: 'f', argumentsText: '{"a":' },
      { type: 'sequence-end', index: 0, finishReason: 'tool-calls' },
      { type: 'generation-end', usage, timings: { promptMs: 1, generationMs: 2 } }
    ],
    receipt
  },
  { jobId: 'j2', attempt: 2, seq: 7, events: [{ type: 'error', code: 'engine_failed', message: 'it broke', retryable: true }], receipt: undefined }
]

test('every event, text and receipt comes out as it went in', () => {
  assert.deepEqual(decodeReplies(encodeReplies(entries)), entries)
})

test('text travels without its field names', () => {
  const json = encodeReplies([{ jobId: 'j', attempt: 1, seq: 0, events: [{ type: 'text-delta', index: 0, text: 'a' }], receipt: undefined }])
  assert.equal(json, '[["j",1,0,[[0,"a"]]]]')
})

test('what no worker of this version writes is refused', () => {
  for (const json of [
    '',
    '{}',
    'null',
    '[1]',
    '[["j"]]',
    '[["j",1,0,"x"]]',
    '[["j",1,0,[[0]]]]',
    '[["j",1,0,[{"type":"nonsense"}]]]',
    '[["j",1,0,[],{}]]'
  ]) {
    assert.throws(() => decodeReplies(json), json)
  }
})
