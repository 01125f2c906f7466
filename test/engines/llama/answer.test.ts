import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EngineEvent } from '#contracts/event.ts'
import { createAnswer } from '../../../server/engines/llama/answer.ts'
import { createAnswerParser } from '../../../server/engines/llama/answer-parser.ts'
import type { Vocabulary } from '../../../server/engines/llama/vocabulary.ts'

/** A vocabulary of these pieces of text or bytes; the token after the last one ends an answer. */
function vocabularyOf(pieces: (string | number[])[]): Vocabulary {
  const bytes = pieces.map((piece) => (typeof piece === 'string' ? new TextEncoder().encode(piece) : Uint8Array.from(piece)))
  return {
    size: pieces.length + 1,
    longestToken: 16,
    tokenizeText: () => [],
    tokenizeTemplate: () => [],
    controlTexts: new Set(),
    bytes: (token) => bytes[token] ?? new Uint8Array(0),
    isEnd: (token) => token === pieces.length,
    endTokens: () => [pieces.length],
    beginning: undefined,
    beginningText: '',
    endText: ''
  }
}

type Options = { stop?: string[]; budget?: number; withLogprobs?: boolean; think?: boolean }

/** Feeds all pieces, then the end token, as long as the answer wants more. */
function answerOf(pieces: (string | number[])[], { stop = [], budget = 100, withLogprobs = false, think = false }: Options = {}) {
  const events: EngineEvent[] = []
  const answer = createAnswer({
    index: 0,
    vocabulary: vocabularyOf(pieces),
    parser: createAnswerParser({
      reasoning: think ? { open: '<think>', close: '</think>' } : null,
      startsInReasoning: false,
      splitReasoning: think,
      format: null,
      stop
    }),
    isShown: () => false,
    onlyCalls: false,
    budget,
    withLogprobs,
    emitsReasoning: think,
    emit: (event) => events.push(event)
  })
  for (let token = 0; token <= pieces.length; token++) {
    if (!answer.take(token, withLogprobs ? { logprob: -token, top: [] } : undefined)) break
  }
  return { answer, events }
}
const textOf = (events: EngineEvent[]) => events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('')
const lastOf = (events: EngineEvent[]) => events.at(-1)

test('an end token ends the answer and is not counted', () => {
  const { answer, events } = answerOf(['Hello', ' there'])
  answer.finish(false)
  assert.equal(textOf(events), 'Hello there')
  assert.equal(answer.completionTokens, 2)
  assert.deepEqual(lastOf(events), { type: 'sequence-end', index: 0, finishReason: 'stop' })
})

test('the budget ends the answer as length', () => {
  const { answer, events } = answerOf(['a', 'b', 'c'], { budget: 2 })
  answer.finish(false)
  assert.equal(textOf(events), 'ab')
  assert.deepEqual(lastOf(events), { type: 'sequence-end', index: 0, finishReason: 'length' })
})

test('a stop string over several tokens is not seen, nor what comes after it', () => {
  const { answer, events } = answerOf(['one ST', 'O', 'P two'], { stop: ['STOP'] })
  answer.finish(false)
  assert.equal(textOf(events), 'one ')
  assert.equal(answer.finishReason, 'stop')
})

test('what only looked like a stop string comes out at the end', () => {
  const { answer, events } = answerOf(['one ST', 'O'], { stop: ['STOP'] })
  answer.finish(false)
  assert.equal(textOf(events), 'one STO')
})

test('a character is held back until it is whole, and left out when it never is', () => {
  const smiley = [...new TextEncoder().encode('😀')]
  const whole = answerOf([smiley.slice(0, 2), smiley.slice(2)])
  assert.equal(textOf(whole.events), '😀')
  const cut = answerOf(['ok', smiley.slice(0, 2)], { budget: 2 })
  cut.answer.finish(false)
  assert.equal(textOf(cut.events), 'ok')
})

test('log probabilities of held back tokens come with the text they made', () => {
  const { answer, events } = answerOf(['a', 'ST', 'x'], { stop: ['STOP'], withLogprobs: true })
  answer.finish(false)
  const deltas = events.filter((event) => event.type === 'text-delta')
  assert.deepEqual(
    deltas.map((event) => [event.text, event.logprobs?.map((entry) => entry.token)]),
    [
      ['a', ['a']],
      ['STx', ['ST', 'x']]
    ]
  )
})

test('tokens of a stop string have no log probabilities', () => {
  const { answer, events } = answerOf(['a', 'b', 'STOP'], { stop: ['STOP'], withLogprobs: true })
  answer.finish(false)
  const tokens = events.flatMap((event) => (event.type === 'text-delta' ? (event.logprobs ?? []) : []))
  assert.deepEqual(
    tokens.map((entry) => entry.token),
    ['a', 'b']
  )
})

test('reasoning is counted and kept apart', () => {
  const { answer, events } = answerOf(['<think>', 'well', ' then', '</think>', 'Yes'], { think: true })
  answer.finish(false)
  assert.equal(textOf(events), 'Yes')
  assert.equal(events.map((event) => (event.type === 'reasoning-delta' ? event.text : '')).join(''), 'well then')
  assert.ok(answer.reasoningTokens >= 2 && answer.reasoningTokens < answer.completionTokens)
})

test('a cancelled answer says so and keeps what it has', () => {
  const { answer, events } = answerOf(['a', 'b'])
  answer.finish(true)
  assert.equal(textOf(events), 'ab')
  assert.deepEqual(lastOf(events), { type: 'sequence-end', index: 0, finishReason: 'cancelled' })
})
