import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ModelStatus } from '#contracts/model.ts'
import { countOf, listModels, ordersFor } from '../../renderer/features/models/model-list.ts'

const model = (id: string, more: Partial<ModelStatus> = {}) =>
  ({
    id,
    name: id,
    aliases: [],
    kind: 'chat',
    uses: [],
    licence: 'MIT',
    engine: 'llama',
    state: 'absent',
    size: 10,
    ...more
  }) as unknown as ModelStatus
const models = [
  model('zeta', { state: 'ready' }),
  model('alpha', { uses: ['code'], size: 30 }),
  model('embed', { kind: 'embedding', state: 'present', size: 20 })
]
const ids = (list: ModelStatus[]) => list.map(({ id }) => id)

test('models stand as the catalogue has them, until they are sorted', () => {
  assert.deepEqual(ids(listModels(models, 'all', '', undefined)), ['zeta', 'alpha', 'embed'])
  assert.deepEqual(ids(listModels(models, 'all', '', { column: 'name', descending: false })), ['alpha', 'embed', 'zeta'])
  assert.deepEqual(ids(listModels(models, 'all', '', { column: 'size', descending: true })), ['alpha', 'embed', 'zeta'])
  assert.deepEqual(ids(listModels(models, 'all', '', { column: 'state', descending: false })), ['zeta', 'embed', 'alpha'])
})

test('the search looks at everything that is said of a model, and the filter holds beside it', () => {
  assert.deepEqual(ids(listModels(models, 'all', 'code MIT', undefined)), ['alpha'])
  assert.deepEqual(ids(listModels(models, 'here', 'alpha', undefined)), [])
  assert.deepEqual(
    (['all', 'here', 'loaded', 'chat', 'embedding'] as const).map((filter) => countOf(models, filter)),
    [3, 2, 1, 2, 1]
  )
})

test('what can be done follows from the state, and what has no weights cannot be removed', () => {
  assert.deepEqual(ordersFor({ state: 'present', size: 1 }), ['load', 'remove'])
  assert.deepEqual(ordersFor({ state: 'present', size: 0 }), ['load'])
  assert.deepEqual(ordersFor({ state: 'pulling', size: 1 }), ['stop'])
})
