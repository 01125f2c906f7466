import { loadLlamaEngine } from '../../server/engines/llama/llama-engine.ts'
import { createLog } from '../../server/log.ts'
import { chatWeights, embeddingWeights } from '../helpers/weights.ts'
import { engineConformance } from './conformance.ts'

const log = createLog({ level: 'error' })

engineConformance(
  'the llama engine with a chat model',
  async () =>
    loadLlamaEngine({ modelId: 'under-test', path: await chatWeights(), kind: 'chat', threads: 1, slots: 3, contextWindow: 1024, gpu: false, log }),
  { longAnswer: 'Count from 1 to 200, one number on each line.', embeds: false }
)

// Where no mirror has the embedding model, the sources are not reachable either, and there is nothing to test.
const embeddingPath = await embeddingWeights()
if (embeddingPath !== undefined) {
  engineConformance(
    'the llama engine with an embedding model',
    () => loadLlamaEngine({ modelId: 'under-test', path: embeddingPath, kind: 'embedding', threads: 1, gpu: false, log }),
    { embeds: true }
  )
} else process.stdout.write('left out: the llama engine with an embedding model, whose weights no source here has (OUTPOST_MIRRORS)\n')
