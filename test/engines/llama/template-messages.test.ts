import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChatRequest } from '#contracts/chat.ts'
import { toTemplateInput } from '../../../server/engines/llama/template-messages.ts'
import { pickToolFormat } from '../../../server/engines/llama/tool-format.ts'
import { AppError } from '../../../server/errors.ts'

const described = pickToolFormat(undefined)
const native = pickToolFormat('{% if tools %}<tool_call>{% endif %}')
const tools = [{ name: 'clock', description: 'Tells the time', parameters: { type: 'object', properties: {} } }]
const called = [
  { role: 'user', content: 'What time is it?' },
  { role: 'assistant', content: '', toolCalls: [{ id: 'call_1', name: 'clock', arguments: '{"zone": "utc"}' }] },
  { role: 'tool', toolCallId: 'call_1', content: '12:00' }
]
const inputOf = (request: Record<string, unknown>, format = native) =>
  toTemplateInput(ChatRequest.parse({ model: 'm', ...request }), format, (text) => text.replaceAll('EVIL', 'tame'))

test('text parts become one text', () => {
  const content = [
    { type: 'text', text: 'one' },
    { type: 'text', text: 'two' }
  ]
  assert.deepEqual(inputOf({ messages: [{ role: 'user', content }] }).messages, [{ role: 'user', content: 'one\ntwo' }])
})

test('an image is refused and named', () => {
  const content = [{ type: 'image', mediaType: 'image/png', data: 'AAAA' }]
  assert.throws(
    () => inputOf({ messages: [{ role: 'user', content }] }),
    (error: unknown) => error instanceof AppError && error.code === 'unsupported_feature' && error.param === 'messages.0.content.0'
  )
})

test('a template that knows tools gets tools and calls as it expects them', () => {
  const input = inputOf({ messages: called, tools })
  assert.equal(input.tools?.[0]?.function.name, 'clock')
  assert.deepEqual(input.messages[1]?.tool_calls, [{ id: 'call_1', type: 'function', function: { name: 'clock', arguments: { zone: 'utc' } } }])
  assert.deepEqual(input.messages[2], { role: 'tool', content: '12:00', tool_call_id: 'call_1', name: 'clock' })
})

test('a template that knows no tools gets them described, and results from the user', () => {
  const input = inputOf({ messages: [{ role: 'system', content: 'Be brief.' }, ...called], tools }, described)
  assert.equal(input.tools, undefined)
  const [system, , assistant, result] = input.messages
  assert.match(system?.content ?? '', /^Be brief\.\n\n[\s\S]*clock/)
  assert.equal(assistant?.content, '<tool_call>\n{"name": "clock", "arguments": {"zone": "utc"}}\n</tool_call>')
  assert.deepEqual(result, { role: 'user', content: '<tool_response>\n12:00\n</tool_response>' })
})

test('tools are not offered when the choice is none', () => {
  assert.equal(inputOf({ messages: [{ role: 'user', content: 'Hi' }], tools, toolChoice: { type: 'none' } }).tools, undefined)
})

test('all that others wrote is protected', () => {
  const messages = [
    { role: 'user', content: 'EVIL' },
    { role: 'assistant', content: 'EVIL', reasoning: 'EVIL', toolCalls: [{ id: 'call_1', name: 'clock', arguments: '{"a": "EVIL"}' }] },
    { role: 'tool', toolCallId: 'call_1', content: 'EVIL' }
  ]
  for (const format of [native, described]) assert.ok(!JSON.stringify(inputOf({ messages, tools }, format)).includes('EVIL'))
})

test('an id is made short for templates of the Mistral kind', () => {
  const mistral = pickToolFormat('{% if tools %}[TOOL_CALLS]{% endif %}')
  assert.match(inputOf({ messages: called, tools }, mistral).messages[2]?.tool_call_id ?? '', /^[A-Za-z0-9]{9}$/)
})
