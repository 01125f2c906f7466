import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../server/errors.ts'
import { loadable, whyNotLoadable } from '../../server/workers/loadable.ts'
import { entryOf } from '../models/fixtures.ts'

test('a model for vLLM and one that reranks are kept, not loaded, and say why', () => {
  const refused = (error: unknown) => error instanceof AppError && error.code === 'unsupported_feature'
  assert.throws(() => loadable({ ...entryOf([]), engine: 'vllm' }), refused)
  assert.match(whyNotLoadable({ ...entryOf([]), engine: 'vllm' }) ?? '', /some-model is for vLLM/)
  assert.match(whyNotLoadable({ ...entryOf([]), kind: 'rerank' }) ?? '', /puts documents in order/)
  assert.equal(whyNotLoadable(entryOf([])), null)
  assert.deepEqual(loadable(entryOf([])), { kind: 'chat', engine: 'llama' })
})
