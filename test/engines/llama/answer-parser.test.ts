import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type AnswerParserOptions, createAnswerParser, type ParsedPiece } from '../../../server/engines/llama/answer-parser.ts'
import { pickToolFormat, type ToolFormat } from '../../../server/engines/llama/tool-format.ts'
import { createRandom } from '../../helpers/random.ts'

const think = { open: '<think>', close: '</think>' }
const hermes = pickToolFormat(undefined)
const llama3 = pickToolFormat('{{ tools }}<|start_header_id|>"parameters"')
const mistral = pickToolFormat('{{ tools }}[TOOL_CALLS]')
const mistralNamed = pickToolFormat('{{ tools }}[TOOL_CALLS]name[ARGS]')

type Answer = { text: string; reasoning: string; calls: { name: string; argumentsText: string }[]; stop: string | null; order: string[] }

function parse(chunks: string[], options: Partial<AnswerParserOptions>): Answer {
  const parser = createAnswerParser({ reasoning: null, startsInReasoning: false, splitReasoning: true, format: null, stop: [], ...options })
  const pieces: ParsedPiece[] = [...chunks.flatMap((chunk) => parser.push(chunk)), ...parser.end()]
  const answer: Answer = { text: '', reasoning: '', calls: [], stop: null, order: [] }
  for (const piece of pieces) {
    assert.equal(answer.stop, null, 'nothing comes after a stop')
    if (answer.order.at(-1) !== piece.type) answer.order.push(piece.type)
    if (piece.type === 'text') answer.text += piece.text
    else if (piece.type === 'reasoning') answer.reasoning += piece.text
    else if (piece.type === 'stop') answer.stop = piece.stop
    else if (piece.callIndex === answer.calls.length) {
      assert.match(piece.id ?? '', /^call_[A-Za-z0-9]{24}$/)
      assert.ok(piece.name)
      answer.calls.push({ name: piece.name, argumentsText: piece.argumentsText })
    } else {
      assert.equal(piece.callIndex, answer.calls.length - 1)
      assert.equal(piece.id ?? piece.name, undefined)
      const call = answer.calls.at(-1)
      if (call !== undefined) call.argumentsText += piece.argumentsText
    }
  }
  return answer
}

function cut(text: string, random: () => number): string[] {
  const chunks: string[] = []
  for (let at = 0; at < text.length; ) {
    const length = 1 + Math.floor(random() ** 2 * 12)
    chunks.push(text.slice(at, at + length))
    at += length
  }
  return chunks
}

describe('plain text', () => {
  test('passes through as it comes', () => {
    const parser = createAnswerParser({ reasoning: null, startsInReasoning: false, splitReasoning: false, format: null, stop: ['END'] })
    assert.deepEqual(parser.push('Hello '), [{ type: 'text', text: 'Hello ' }])
    assert.deepEqual(parser.push('world E'), [{ type: 'text', text: 'world ' }])
    assert.deepEqual(parser.push('Nothing'), [{ type: 'text', text: 'ENothing' }])
    assert.deepEqual(parser.end(), [])
  })

  test('only what may be the beginning of a call is held back', () => {
    const parser = createAnswerParser({ reasoning: think, startsInReasoning: false, splitReasoning: true, format: hermes, stop: [] })
    assert.deepEqual(parser.push('a <tool'), [{ type: 'text', text: 'a ' }])
    assert.deepEqual(parser.push('box>'), [{ type: 'text', text: '<toolbox>' }])
  })
})

describe('stop strings', () => {
  test('end the answer before them, over several pieces', () => {
    assert.deepEqual(parse(['one ST', 'O', 'P two'], { stop: ['STOP'] }), {
      text: 'one ',
      reasoning: '',
      calls: [],
      stop: 'STOP',
      order: ['text', 'stop']
    })
  })

  test('the one that is complete first counts', () => {
    assert.equal(parse(['xaby'], { stop: ['abyz', 'b'] }).stop, 'b')
    assert.equal(parse(['xaby'], { stop: ['y', 'ab'] }).stop, 'ab')
    assert.equal(parse(['xab'], { stop: ['b', 'ab'] }).text, 'x')
  })

  test('do not act inside reasoning or calls', () => {
    const stop = ['x']
    const split = parse(['<think>x</think>axb'], { reasoning: think, stop })
    assert.deepEqual([split.reasoning, split.text, split.stop], ['x', 'a', 'x'])
    const whole = parse(['<think>x</think>axb'], { reasoning: think, stop, splitReasoning: false })
    assert.deepEqual([whole.text, whole.stop], ['<think>x</think>a', 'x'])
    const call = parse(['<tool_call>\n{"name": "x", "arguments": {"x": "x"}}\n</tool_call>'], { format: hermes, stop })
    assert.deepEqual([call.calls.length, call.stop], [1, null])
  })
})

describe('reasoning', () => {
  test('is split from the answer, without tags and layout', () => {
    const answer = parse(['<think>\nHm, <b>.\n</think>\n\nYes. </think>'], { reasoning: think })
    assert.deepEqual([answer.reasoning, answer.text], ['Hm, <b>.', 'Yes. </think>'])
  })

  test('starts at once where the prompt has opened it', () => {
    const answer = parse(['Hm.</think>Yes.'], { reasoning: think, startsInReasoning: true })
    assert.deepEqual([answer.reasoning, answer.text], ['Hm.', 'Yes.'])
    assert.equal(parse(['<think>\nHm.</think>Yes.'], { reasoning: think, startsInReasoning: true }).reasoning, 'Hm.')
  })

  test('that was cut off stays reasoning', () => {
    assert.deepEqual(parse(['<think>Hm, so </th'], { reasoning: think }).reasoning, 'Hm, so </th')
  })

  test('a tag in the middle of an answer is text', () => {
    assert.equal(parse(['Use <think> tags'], { reasoning: think }).text, 'Use <think> tags')
  })

  test('stays in the text where it is not split, as the model wrote it', () => {
    const text = ' <think>\n<tool_call>\n </think>\n\nYes'
    assert.equal(parse([text], { reasoning: think, splitReasoning: false, format: hermes }).text, text)
  })
})

describe('tool calls', () => {
  test('stream their arguments as they come', () => {
    const parser = createAnswerParser({ reasoning: null, startsInReasoning: false, splitReasoning: true, format: hermes, stop: [] })
    assert.deepEqual(parser.push('Sure.\n<tool_call>\n{"name": "get", "argu'), [{ type: 'text', text: 'Sure.\n' }])
    const [first] = parser.push('ments": {"a')
    assert.ok(first?.type === 'tool-call')
    assert.deepEqual([first.callIndex, first.name, first.argumentsText], [0, 'get', '{"a'])
    assert.deepEqual(parser.push('": "}\\"'), [{ type: 'tool-call', callIndex: 0, argumentsText: '": "}\\"' }])
    assert.deepEqual(parser.push('"}}\n</tool_call>'), [{ type: 'tool-call', callIndex: 0, argumentsText: '"}' }])
    assert.deepEqual(parser.end(), [])
  })

  const cases: [string, ToolFormat, string, { name: string; argumentsText: string }[], string][] = [
    [
      'two calls and text behind them',
      hermes,
      '<tool_call>\n{"name": "a", "arguments": {"x": [1, {"y": "}"}]}}\n</tool_call>\n<tool_call>{"arguments": {"b": 2}, "name": "b"}</tool_call> Done.',
      [
        { name: 'a', argumentsText: '{"x": [1, {"y": "}"}]}' },
        { name: 'b', argumentsText: '{"b": 2}' }
      ],
      ' Done.'
    ],
    ['a call without arguments', hermes, '<tool_call>{"name": "a"}</tool_call>', [{ name: 'a', argumentsText: '{}' }], ''],
    [
      'arguments as a string',
      hermes,
      '<tool_call>{"name": "a", "arguments": "{\\"x\\": 1}"}</tool_call>',
      [{ name: 'a', argumentsText: '{"x": 1}' }],
      ''
    ],
    ['a missing closing tag', hermes, '<tool_call>{"name": "a", "arguments": {}}', [{ name: 'a', argumentsText: '{}' }], ''],
    ['arguments that were cut off', hermes, '<tool_call>{"name": "a", "arguments": {"x": "lo', [{ name: 'a', argumentsText: '{"x": "lo' }], ''],
    ['the whole answer of a Llama 3', llama3, '{"name": "a", "parameters": {"x": 1}}', [{ name: 'a', argumentsText: '{"x": 1}' }], ''],
    ['the python tag', llama3, '<|python_tag|>{"name": "a", "parameters": {}}', [{ name: 'a', argumentsText: '{}' }], ''],
    [
      'several calls of a Llama 3',
      llama3,
      '{"name": "a", "parameters": {}}; {"name": "b", "parameters": {}}',
      [
        { name: 'a', argumentsText: '{}' },
        { name: 'b', argumentsText: '{}' }
      ],
      ''
    ],
    [
      'a list of a Mistral, with ids of its own',
      mistral,
      '[TOOL_CALLS] [{"name": "a", "arguments": {"x": "]"}, "id": "abcdefghi"}, {"name": "b", "arguments": {}}]',
      [
        { name: 'a', argumentsText: '{"x": "]"}' },
        { name: 'b', argumentsText: '{}' }
      ],
      ''
    ],
    [
      'the named form of a newer Mistral',
      mistralNamed,
      '[TOOL_CALLS]a[ARGS]{"x": 1}[TOOL_CALLS]b[CALL_ID]abc123def[ARGS]{}',
      [
        { name: 'a', argumentsText: '{"x": 1}' },
        { name: 'b', argumentsText: '{}' }
      ],
      ''
    ]
  ]
  for (const [title, format, text, calls, rest] of cases) {
    test(`are read from ${title}`, () => {
      const answer = parse([text], { format })
      assert.deepEqual(answer.calls, calls)
      assert.equal(answer.text, rest)
    })
  }

  const lookalikes: [ToolFormat, string][] = [
    [hermes, '<tool_call> is a tag'],
    [hermes, '<tool_call>{"name": 5, "arguments": {}}</tool_call>'],
    [hermes, '<tool_call>{"name": "a", "arguments": [1]}</tool_call>'],
    [hermes, '<tool_call>{"name": "a", "arguments": {x}}'],
    [hermes, '<tool_call>{"function": "a"}</tool_call>'],
    [hermes, '<tool_call>{"name": "a'],
    [llama3, '{"name": "Bob", "age": 3}'],
    [llama3, '{"name": "Bob"}'],
    [llama3, 'See {"name": "a", "parameters": {}}'],
    [llama3, '<|python_tag|>print(1)'],
    [mistral, '[TOOL_CALLS] are great'],
    [mistralNamed, '[TOOL_CALLS] are great[ARGS]']
  ]
  for (const [format, text] of lookalikes) {
    test(`are not made of ${text}`, () => {
      const answer = parse([text], { format })
      assert.deepEqual(answer.calls, [])
      assert.equal(answer.text, text)
    })
  }

  test('a stop string inside what was no call still acts', () => {
    const answer = parse(['a <tool_call>', 'no, STOP'], { format: hermes, stop: ['l>no'] })
    assert.deepEqual([answer.text, answer.stop], ['a <tool_cal', 'l>no'])
  })
})

test('the result does not depend on how the text was cut', () => {
  const random = createRandom(7)
  const bits = [
    ...[
      '<think>',
      '</think>',
      '<tool_call>',
      '</tool_call>',
      '[TOOL_CALLS]',
      '[ARGS]',
      '<|python_tag|>',
      '{"name": "a", "arguments": {"x": "\\"}"}}'
    ],
    ...[
      '{"name": "a", "parameters": {}}',
      '{"name":',
      '[{"name": "b", "arguments": {}}',
      ', ',
      ']',
      '; ',
      '\n',
      ' ',
      'a',
      'STOP',
      'ST',
      'OP',
      '<',
      '{',
      '}',
      '"',
      'b[ARGS]{}'
    ],
    ...['<tool_call>{"name": "a", "arguments": {"x": "\\"}"}}', '[TOOL_CALLS][{"arguments": {}, "name": "b"}', '[TOOL_CALLS]b[ARGS]{"y": [{}]}'],
    ...['😀', 'call>', ', "id": "x"', '\n\n']
  ]
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T
  let calls = 0
  for (let round = 0; round < 6000; round++) {
    const text = Array.from({ length: 1 + Math.floor(random() * 10) }, () => pick(bits)).join('')
    const options = {
      reasoning: pick([null, think]),
      startsInReasoning: random() < 0.2,
      splitReasoning: random() < 0.6,
      format: pick([null, hermes, hermes, llama3, mistral, mistralNamed]),
      stop: pick([[], [], ['STOP'], ['\n\n', 'OP'], ['l>{', 'a']])
    }
    const whole = parse([text], options)
    calls += whole.calls.length
    for (const chunks of [Array.from(text), text.split(''), cut(text, random), cut(text, random)]) {
      assert.deepEqual(parse(chunks, options), whole, JSON.stringify({ text, chunks, ...options, format: options.format?.id }))
    }
    // Without calls, reasoning and stop strings each character comes out again.
    if (whole.calls.length === 0 && whole.stop === null && (options.reasoning === null || !options.splitReasoning)) {
      const lost = text.trim() === whole.text.trim()
      assert.ok(lost, JSON.stringify({ text, got: whole.text, ...options, format: options.format?.id }))
    }
  }
  assert.ok(calls > 300, `only ${calls} calls were met`)
})

test('what a limit tears off of a call is no text; without a limit, and where there are no calls, it is', () => {
  const tail = (text: string, format: ToolFormat | null, isTorn: boolean) => {
    const parser = createAnswerParser({ reasoning: null, startsInReasoning: false, splitReasoning: false, format, stop: [] })
    return [...parser.push(text), ...parser.end(isTorn)].map((piece) => (piece.type === 'text' ? piece.text : '')).join('')
  }
  assert.equal(tail('Let me see.\n<tool_', hermes, true), 'Let me see.\n')
  assert.equal(tail('<tool_call>\n{"name": "get_wea', hermes, true), '')
  assert.equal(tail('<tool_call>\n{"name": "a", "arguments": {}}\n</tool_', hermes, true), '')
  assert.equal(tail('1 <', hermes, true), '1 <')
  assert.equal(tail('Let me see.\n<tool_', hermes, false), 'Let me see.\n<tool_')
  assert.equal(tail('Let me see.\n<tool_', null, true), 'Let me see.\n<tool_')
})
