import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createRuleSet } from '../../../../server/engines/llama/grammar/gbnf.ts'
import { type NumberBounds, numberRule } from '../../../../server/engines/llama/grammar/number-rules.ts'
import { openGrammarMatcher } from '../../../helpers/grammar.ts'

let llama: Awaited<ReturnType<typeof openGrammarMatcher>>
before(async () => {
  llama = await openGrammarMatcher()
})
after(() => llama.close())

const unbounded: NumberBounds = { integer: false, least: -Infinity, most: Infinity, aboveLeast: false, belowMost: false, multipleOf: [] }

function matcher(bounds: Partial<NumberBounds>): ((text: string) => boolean) | null {
  const rules = createRuleSet('root', (reason) => assert.fail(reason))
  const rule = numberRule(rules, { ...unbounded, ...bounds })
  if (rule === null) return null
  rules.define('root', rule)
  return llama.matcher(rules.print())
}

test('integers between two bounds are accepted, all others rejected', () => {
  const pairs: [number, number][] = [[0, 0], [-3, 12], [7, 205], [99, 101], [-120, -7], [-1000, 1000], [8, 8], [-9, 1], [0, 9], [95, 1005]] // biome-ignore format: a table
  for (const [least, most] of pairs) {
    for (const [aboveLeast, belowMost] of [
      [false, false],
      [true, true]
    ] as const) {
      // biome-ignore format: a table
      const matches = matcher({ integer: true, least, most, aboveLeast, belowMost })
      for (let value = least - 30; value <= most + 30; value++) {
        const inside = (aboveLeast ? value > least : value >= least) && (belowMost ? value < most : value <= most)
        assert.equal(matches?.(String(value)) ?? false, inside, `${value} in ${least} … ${most}, exclusive: ${aboveLeast}`)
      }
    }
  }
})

test('decimals are compared digit by digit', () => {
  const pairs: [number, number][] = [[0.5, 2.25], [-1.5, 1.5], [0, 1], [-0.125, -0.05], [9.99, 100.01], [0.001, 0.002], [-2, -1], [1e-7, 2e-7], [1, Infinity], [-Infinity, -0.5]] // biome-ignore format: a table
  const steps = [0.1, 0.01, 0.001, 0.5, 1, 1e-8]
  for (const [least, most] of pairs) {
    for (const [aboveLeast, belowMost] of [
      [false, false],
      [true, true],
      [false, true]
    ] as const) {
      // biome-ignore format: a table
      const matches = matcher({ least, most, aboveLeast, belowMost })
      const near = [least, most].filter(Number.isFinite)
      for (const value of near.flatMap((bound) => [bound, 0, ...steps.flatMap((step) => [bound + step, bound - step])])) {
        const text = value.toFixed(9).replace(/\.?0+$/, '')
        if (text === '-0') continue
        const exact = Number(text)
        const inside = (aboveLeast ? exact > least : exact >= least) && (belowMost ? exact < most : exact <= most)
        assert.equal(matches?.(text) ?? false, inside, `${text} in ${least} … ${most}, exclusive: ${aboveLeast}, ${belowMost}`)
      }
    }
  }
})

test('small divisors and decimal places are held, with bounds, too', () => {
  const sevens = matcher({ integer: true, least: -50, most: 300, multipleOf: [7] })
  for (let value = -60; value <= 310; value++) assert.equal(sevens?.(String(value)), value % 7 === 0 && value >= -50 && value <= 300, String(value))
  const cents = matcher({ least: 0, multipleOf: [0.01] })
  for (const text of ['0', '19.99', '5.5', '100']) assert.ok(cents?.(text), text)
  for (const text of ['0.001', '-1', '1e2']) assert.ok(!cents?.(text), text)
})

test('numbers are written as JSON has them', () => {
  const matches = matcher({})
  for (const text of ['0', '-0.5', '12', '1.25e-7', '3E+10']) assert.ok(matches?.(text), text)
  for (const text of ['', '01', '.5', '5.', '+1', '1e', '1e999', 'NaN', '0x1', '1'.repeat(40)]) assert.ok(!matches?.(text), text)
})

test('there is no rule where no number fits', () => {
  assert.equal(matcher({ least: 2, most: 1 }), null)
  assert.equal(matcher({ least: 1, most: 1, aboveLeast: true }), null)
  assert.equal(matcher({ integer: true, least: 0.2, most: 0.8 }), null)
  assert.equal(matcher({ integer: true, least: 1, most: 6, multipleOf: [7] }), null)
})

test('huge and tiny bounds neither fail nor grow', () => {
  assert.ok(matcher({ integer: true, least: -9007199254740991, most: 9007199254740991 })?.('9007199254740991'))
  assert.ok(matcher({ least: -1.7976931348623157e308, most: 1.7976931348623157e308 })?.('-12.5'))
  assert.ok(matcher({ least: 5e-324, most: 1 })?.('0.5'))
})
