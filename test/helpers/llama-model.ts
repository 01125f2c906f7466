import { getLlama, type Llama, LlamaLogLevel, type LlamaModel } from 'node-llama-cpp'
import { type Native, openNative } from '../../server/engines/llama/native.ts'
import { createVocabulary, type Vocabulary } from '../../server/engines/llama/vocabulary.ts'
import { chatWeights } from './weights.ts'

/** The default chat model with a small context, for tests of the parts below the engine. */
export async function openChatModel(): Promise<{ llama: Llama; model: LlamaModel; native: Native; vocabulary: Vocabulary }> {
  const llama = await getLlama({ build: 'never', gpu: false, logLevel: LlamaLogLevel.error, maxThreads: 0 })
  const model = await llama.loadModel({ modelPath: await chatWeights() })
  const context = await model.createContext({ contextSize: 256, threads: 1 })
  const native = openNative(llama, model, context)
  return { llama, model, native, vocabulary: createVocabulary(model, native) }
}
