import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGrounding } from '../../../server/plans/grounding/grounding-spec.ts'
import { shopGrounding } from '../../helpers/shop.ts'

const refused = (change: object, param: string, message: RegExp) =>
  assert.throws(() => parseGrounding({ ...shopGrounding, ...change }), { code: 'invalid_request', param, message })

test('a grounding keeps what it knows, and what a client of another kind adds is passed over', () => {
  assert.deepEqual(parseGrounding({ ...shopGrounding, constraints: null, projectID: 'p_9' }), shopGrounding)
})

test('the first field at fault is named, in the order of the fields', () => {
  refused({ name: 'x', domain: 'y' }, 'name', /name must have 3–63 characters, got 1/)
  refused({ name: 'Shop_1' }, 'name', /got "Shop_1"/)
  refused({ domain: null, version: '' }, 'domain', /domain must have 3–63/)
  refused({ version: ' ', useCases: [] }, 'version', /version must not be blank/)
  refused({ useCases: [] }, 'use-cases', /at least one/)
  refused({ constraints: ['Verify first', ' '] }, 'constraints', /constraint 2 is blank/)
})

test('a use case at fault is named by its place', () => {
  const [first] = shopGrounding.useCases
  refused({ useCases: [first, { ...first, params: {} }] }, 'use-cases', /use case 2: its action has the variable \{orderId\}/)
  refused({ useCases: [{ ...first, capabilities: [] }] }, 'use-cases', /use case 1: capabilities must name at least one/)
  refused({ useCases: [{ ...first, action: '' }] }, 'use-cases', /action must not be blank/)
  refused({ useCases: [{ ...first, intent: '\n' }] }, 'use-cases', /intent must not be blank/)
})

test('what is no grounding at all is refused with the place', () => {
  assert.throws(() => parseGrounding('shop'), { code: 'invalid_request', message: /at its top/ })
  refused({ name: 5 }, 'name', /at name/)
  refused({ useCases: [{ action: 'Go', params: { a: 1 } }] }, 'use-cases', /at useCases\.0\.params\.a/)
  refused({ constraints: Array.from({ length: 1001 }, () => 'Never') }, 'constraints', /1000/)
})
