import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Tool } from '#contracts/chat.ts'
import { createAnswerParser } from '../../../server/engines/llama/answer-parser.ts'
import { chosenTools, compileToolParameters, pickToolFormat, type ToolFormat } from '../../../server/engines/llama/tool-format.ts'
import { AppError } from '../../../server/errors.ts'
import { openGrammarMatcher } from '../../helpers/grammar.ts'

const weather: Tool = {
  name: 'get_weather',
  description: 'The weather in a city',
  parameters: { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 1 } }, required: ['city'] },
  strict: true
}
const clock: Tool = { name: 'clock', parameters: { type: 'object', properties: {} }, strict: false }
const tools = [weather, clock]

const templates = {
  smollm2: "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}",
  qwen: '{%- if tools %}For each function call, return a json object within <tool_call></tool_call> XML tags:\n<tool_call>\n{"name": <function-name>}{% endif %}',
  qwenCoder: '{%- if tools %}<tool_call>\n<function=example_function_name>\n<parameter=x>{% endif %}',
  llama3: '<|start_header_id|>{% if tools %}Respond in the format {"name": function name, "parameters": dictionary}{% endif %}<|python_tag|>',
  mistral: '{% if tools %}[AVAILABLE_TOOLS]{{ tools | tojson }}[/AVAILABLE_TOOLS]{% endif %}[TOOL_CALLS]',
  mistralNamed: '{% if tools %}[AVAILABLE_TOOLS]{{ tools | tojson }}{% endif %}[TOOL_CALLS]{{ name }}[ARGS]{{ arguments }}',
  deepseek: '{% if tools %}<｜tool▁calls▁begin｜>{% endif %}'
}

describe('the format is found in the chat template', () => {
  const expected: [keyof typeof templates | undefined, string, boolean][] = [
    [undefined, 'hermes-described', false],
    ['smollm2', 'hermes-described', false],
    ['qwen', 'hermes', true],
    ['qwenCoder', 'hermes-described', false],
    ['llama3', 'llama3', true],
    ['mistral', 'mistral', true],
    ['mistralNamed', 'mistral-named', true],
    ['deepseek', 'hermes-described', false]
  ]
  for (const [name, id, nativeTemplate] of expected) {
    test(`${name ?? 'no template'} → ${id}`, () => {
      const format = pickToolFormat(name && templates[name])
      assert.deepEqual([format.id, format.nativeTemplate], [id, nativeTemplate])
    })
  }
})

test('a template that does not know tools gets a system prompt that describes them', () => {
  const format = pickToolFormat(templates.smollm2)
  const prompt = format.systemPrompt(tools, { type: 'auto' }, true)
  assert.ok(prompt.includes('"get_weather"') && prompt.includes('"clock"') && prompt.includes('<tool_call>'))
  const only = format.systemPrompt(tools, { type: 'tool', name: 'clock' }, false)
  assert.ok(only.includes('must call the tool clock') && !only.includes('get_weather'))
  assert.equal(format.systemPrompt(tools, { type: 'none' }, true), '')
  assert.equal(pickToolFormat(templates.qwen).systemPrompt(tools, { type: 'auto' }, true), '')
})

test('a choice leaves the tools it speaks of', () => {
  assert.deepEqual(chosenTools(tools, { type: 'auto' }), tools)
  assert.deepEqual(chosenTools(tools, { type: 'none' }), [])
  assert.deepEqual(chosenTools(tools, { type: 'tool', name: 'clock' }), [clock])
  assert.throws(
    () => chosenTools(tools, { type: 'tool', name: 'klock' }),
    (error) => error instanceof AppError && error.code === 'invalid_request' && error.message.includes('klock')
  )
})

describe('the grammar of calls', () => {
  let llama: Awaited<ReturnType<typeof openGrammarMatcher>>
  before(async () => {
    llama = await openGrammarMatcher()
  })
  after(() => llama.close())

  const call = (name: string, args: string, key = 'arguments') => `{"name": "${name}", "${key}": ${args}}`
  const forms: { template: keyof typeof templates; one: (name: string, args: string) => string; two: (first: string, second: string) => string }[] = [
    { template: 'smollm2', one: (name, args) => `<tool_call>\n${call(name, args)}\n</tool_call>`, two: (a, b) => `${a}\n${b}` },
    { template: 'qwen', one: (name, args) => `<tool_call>\n${call(name, args)}\n</tool_call>`, two: (a, b) => `${a}\n${b}` },
    { template: 'llama3', one: (name, args) => call(name, args, 'parameters'), two: (a, b) => `${a}; ${b}` },
    {
      template: 'mistral',
      one: (name, args) => `[TOOL_CALLS][${call(name, args)}]`,
      two: (a, b) => `${a.slice(0, -1)}, ${b.slice('[TOOL_CALLS]['.length)}`
    },
    { template: 'mistralNamed', one: (name, args) => `[TOOL_CALLS]${name}[ARGS]${args}`, two: (a, b) => `${a}${b}` }
  ]
  for (const { template, one, two } of forms) {
    test(`${template}: holds names and arguments, and the parser reads what it accepts`, () => {
      const format = pickToolFormat(templates[template])
      const single = llama.matcher(format.callGrammar(tools, { parallel: false }))
      const several = llama.matcher(format.callGrammar(tools, { parallel: true }))
      const paris = one('get_weather', '{"city": "Paris"}')
      const both = two(paris, one('clock', '{}'))
      assert.ok(paris.startsWith(format.trigger))
      assert.ok(single(paris))
      assert.ok(several(paris))
      assert.ok(several(both), both)
      assert.ok(!single(both))
      assert.ok(!single(one('get_weather', '{}')), 'a required argument is missing')
      assert.ok(!single(one('get_weather', '{"city": "Paris", "days": 0}')))
      assert.ok(!single(one('get_time', '{}')), 'there is no such tool')
      assert.ok(!single(`Sure. ${paris}`))
      assert.deepEqual(readCalls(format, both), [
        ['get_weather', '{"city": "Paris"}'],
        ['clock', '{}']
      ])
    })
  }

  test('a schema that does not compile: any object for a tool, refused for a strict tool', () => {
    const format = pickToolFormat(undefined)
    const odd: Tool = { name: 'odd', parameters: { type: 'object', properties: { a: { type: 'string', pattern: '(a)\\1' } } }, strict: false }
    const matches = llama.matcher(format.callGrammar([odd], { parallel: false }))
    assert.ok(matches('<tool_call>\n{"name": "odd", "arguments": {"b": [1]}}\n</tool_call>'))
    assert.ok(!matches('<tool_call>\n{"name": "odd", "arguments": [1]}\n</tool_call>'))
    assert.throws(
      () => format.callGrammar([{ ...odd, strict: true }], { parallel: false }),
      (error) =>
        error instanceof AppError && error.code === 'unsupported_schema' && /tool odd:.*"pattern" at #\/properties\/a\/pattern/.test(error.message)
    )
  })

  test('parameters without a type are an object all the same', () => {
    const compiled = compileToolParameters({ name: 'a', parameters: {}, strict: true })
    const matches = llama.matcher(compiled.gbnf)
    assert.ok(matches('{"x": 1}') && !matches('1') && !matches('[]'))
    assert.notDeepEqual(compiled.check('[]'), [])
  })

  test('128 tools with names of 64 characters make one grammar', () => {
    const many = Array.from({ length: 128 }, (_, index) => ({ ...weather, name: `${'tool_'.repeat(12)}${String(index).padStart(4, '0')}` }))
    const matches = llama.matcher(pickToolFormat(undefined).callGrammar(many, { parallel: true }))
    assert.ok(matches(`<tool_call>\n{"name": "${many[127]?.name}", "arguments": {"city": "Rome"}}\n</tool_call>`))
  })
})

function readCalls(format: ToolFormat, text: string): [string, string][] {
  const parser = createAnswerParser({ reasoning: null, startsInReasoning: false, splitReasoning: true, format, stop: [] })
  const calls: [string, string][] = []
  for (const piece of [...parser.push(text), ...parser.end()]) {
    assert.equal(piece.type, 'tool-call')
    if (piece.type === 'tool-call')
      calls[piece.callIndex] = [calls[piece.callIndex]?.[0] ?? piece.name ?? '', `${calls[piece.callIndex]?.[1] ?? ''}${piece.argumentsText}`]
  }
  return calls
}
