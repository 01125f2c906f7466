import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chatMl, createChatTemplate } from '../../../server/engines/llama/chat-template.ts'
import { AppError } from '../../../server/errors.ts'
import { createLog } from '../../../server/log.ts'

const log = createLog({ level: 'silent' })
const open = (source: string | undefined) => createChatTemplate({ source, beginningText: '<s>', endText: '</s>', log })

test('weights without a template get ChatML', () => {
  const template = open(undefined)
  assert.equal(template.source, chatMl)
  assert.equal(template.render({ messages: [{ role: 'user', content: 'Hi' }] }), '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n')
})

test('a template that cannot be read is replaced by ChatML', () => {
  assert.equal(open('{% for %}').source, chatMl)
})

test('a template sees tools, marker texts and further variables', () => {
  const template = open('{{ bos_token }}{% for tool in tools %}{{ tool.function.name }}{% endfor %}{{ enable_thinking }}{{ eos_token }}')
  const tools = [{ type: 'function' as const, function: { name: 'f', description: '', parameters: {} } }]
  assert.equal(template.render({ messages: [], tools, variables: { enable_thinking: false } }), '<s>ffalse</s>')
})

test('a system message goes to the user where the template knows no system role', () => {
  const template = open(
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
  )
  const messages = [
    { role: 'system' as const, content: 'Be brief.' },
    { role: 'user' as const, content: 'Hi' }
  ]
  assert.equal(template.render({ messages }), '[user]Be brief.\n\nHi')
})

test('what a template refuses is a bad request with its reason', () => {
  const template = open("{{ raise_exception('roles must alternate') }}")
  assert.throws(
    () => template.render({ messages: [{ role: 'user', content: 'Hi' }] }),
    (error: unknown) => error instanceof AppError && error.code === 'invalid_request' && error.message.includes('roles must alternate')
  )
})
