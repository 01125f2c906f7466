import assert from 'node:assert/strict'
import { z } from 'zod'
import { loadConfig } from '../../../server/config.ts'
import { planningTemperature } from '../../../server/plans/planning/temperature.ts'
import type { Check } from '../run.ts'

const Input = z.object({ role: z.enum(['reasoning', 'embeddings']), model: z.string() })
const Expected = z.object({ supported: z.boolean(), temperature: z.number().optional() })

export const check: Check = (input, expected) => {
  const { role, model } = Input.parse(input)
  const want = Expected.parse(expected)
  const address = 'http://127.0.0.1:1'
  const { planEndpoint, embeddingEndpoint } = loadConfig({
    ...(role === 'reasoning' ? { LLM_API_BASE_URL: address, LLM_MODEL: model } : { EMBEDDINGS_API_BASE_URL: address, EMBEDDINGS_MODEL: model })
  })
  const accepted = (role === 'reasoning' ? planEndpoint : embeddingEndpoint)?.model
  assert.equal(accepted === model, want.supported)
  if (want.temperature !== undefined) assert.equal(planningTemperature(model), want.temperature)
}
