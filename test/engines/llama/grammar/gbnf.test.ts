import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { charClass, createRuleSet, literal, repeat } from '../../../../server/engines/llama/grammar/gbnf.ts'
import { openGrammarMatcher } from '../../../helpers/grammar.ts'

let llama: Awaited<ReturnType<typeof openGrammarMatcher>>
before(async () => {
  llama = await openGrammarMatcher()
})
after(() => llama.close())

test('a repetition takes each number of items within its bounds and no other', () => {
  for (const [least, most] of [
    [0, 0],
    [0, 1],
    [3, 3],
    [1, 9],
    [0, 64],
    [0, 65],
    [17, 90],
    [0, 200],
    [99, 100],
    [5, Infinity]
  ] as const) {
    // biome-ignore format: a table
    const rules = createRuleSet('root', (reason) => assert.fail(reason))
    const body = repeat(rules, rules.add('"a"'), least, most)
    rules.define('root', `"<" ${body} ">"`)
    const matches = llama.matcher(rules.print())
    for (let count = 0; count <= Math.min(most, 300) + 2; count++) {
      assert.equal(matches(`<${'a'.repeat(count)}>`), count >= least && count <= most, `${count} in ${least} … ${most}`)
    }
  }
})

test('any text survives as a literal, and any character in a class', () => {
  for (const text of ['"\\\n\r\t[]^-', 'é😀\u0000\u007f\u2028', '::= a | b']) {
    if (!text.includes('\u0000')) assert.ok(llama.matcher(`root ::= ${literal(text)}`)(text), text)
    for (const char of text) {
      if (char === '\u0000') continue
      const code = char.codePointAt(0) ?? 0
      const matches = llama.matcher(`root ::= ${charClass([[code, code]])}`)
      assert.ok(matches(char), JSON.stringify(char))
      assert.ok(!matches('x') && !matches('\\'.repeat(2)), JSON.stringify(char))
    }
  }
})

test('a grammar over the limit is refused', () => {
  const rules = createRuleSet('root', (reason) => {
    throw new Error(reason)
  })
  assert.throws(() => rules.add('"a" '.repeat(500_000)), /characters/)
})
