import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '#contracts/plan.ts'
import { toPddl } from '../../../server/plans/grounding/pddl.ts'
import { refundPlan } from '../../helpers/shop.ts'

const write = (taskZero: JsonObject) => {
  const text = toPddl({ projectId: 'p_1', domain: 'shop.v2', plan: refundPlan(taskZero) })
  assert.ok(text !== undefined)
  return text
}

type Node = string | Node[]

/** Reads a PDDL text; throws where it is none: brackets, names and variables only. */
function read(text: string): Node {
  const tokens = text.match(/[()]|[^\s()]+/g) ?? []
  const stack: Node[][] = [[]]
  for (const token of tokens) {
    if (token === '(') stack.push([])
    else if (token === ')') {
      const done = stack.pop()
      assert.ok(done !== undefined && stack.length > 0, 'a bracket closes nothing')
      stack.at(-1)?.push(done)
    } else {
      assert.match(token, /^(?:[:?]?[A-Za-z][A-Za-z0-9_-]*|-)$/, 'a name of PDDL')
      stack.at(-1)?.push(token)
    }
  }
  assert.equal(stack.length, 1, 'a bracket is open')
  const [root] = stack
  assert.equal(root?.length, 1)
  return root?.[0] ?? []
}

test('whatever the values are, the text is valid and every object is declared once', () => {
  const { domain, problem } = write({
    orderId: 'ORD 1; (and) "quoted"',
    'strange field!': 'é@ß.ü',
    empty: '',
    amount: -100.5,
    huge: 1e300,
    '1st': 'x',
    id: 'X',
    flag: true,
    list: ['a'],
    nothing: null,
    same: 'ord 1; (AND) "quoted"'
  })
  read(domain)
  const root = read(problem) as Node[]
  const section = (name: string) => (root.find((node) => Array.isArray(node) && node[0] === name) as string[]).slice(1)
  const objects = section(':objects').filter((_, index) => index % 3 === 0)
  assert.equal(new Set(objects.map((name) => name.toLowerCase())).size, objects.length)
  for (const [, ...names] of section(':init') as unknown as string[][]) for (const name of names) assert.ok(objects.includes(name), name)
})

test('a task is ready when those it depends on are complete, with nothing beyond STRIPS', () => {
  const { domain, problem } = write({ orderId: 'ORD-1' })
  assert.match(domain, /\(define \(domain shop_v2\)\n {2}\(:requirements :strips :typing\)/)
  assert.match(domain, /\(:action release-after-1\n.*\n.*\(waits-for-1 \?s \?d1\) \(service-complete \?d1\)/)
  assert.doesNotMatch(domain, /forall|imply|release-after-2/)
  assert.match(problem, /\(service-ready task1\)/)
  assert.match(problem, /\(waits-for-1 task2 task1\)\n {4}\(depends-on task2 task1\)/)
  assert.doesNotMatch(problem, /\(service-ready task2\)|task0/)
})

test('a value that is no text or number has an object that stands for it, so that the plan can be carried out', () => {
  const { domain, problem } = write({ flag: true })
  assert.match(domain, /\?flag - flag-value/)
  assert.match(problem, /flag_given - flag-value/)
  assert.match(problem, /\(valid-flag flag_given\)/)
})

test('without a grounding there is nothing to say', () => {
  assert.equal(toPddl({ projectId: 'p_1', domain: undefined, plan: refundPlan({}) }), undefined)
})
