import { getLlama, LlamaLogLevel } from 'node-llama-cpp'
import { chatWeights } from '../helpers/weights.ts'

/**
 * What is compared with: node-llama-cpp as its documentation shows it, a loop over `sequence.evaluate()` for each stream, in a process of its own
 * with one thread in libuv's pool. Prompts stay evaluated from one order to the next, as in the product.
 */
export type BareOrder = { streams: number; tokens: number }
export type BareReport = { wallMs: number }

const [slots = 1, threads = 1] = process.argv.slice(2).map(Number)
const llama = await getLlama({ build: 'never', gpu: false, maxThreads: 0, logLevel: LlamaLogLevel.error })
const model = await llama.loadModel({ modelPath: await chatWeights() })
const context = await model.createContext({ sequences: slots, contextSize: 8192, batchSize: 512, threads })
const prompt = model.tokenize('<|im_start|>user\nTell a long story about a lighthouse.<|im_end|>\n<|im_start|>assistant\n', true)
const sequences = Array.from({ length: slots }, () => context.getSequence())

async function generate(sequence: (typeof sequences)[number], tokens: number): Promise<void> {
  const known = Math.min(sequence.nextTokenIndex, prompt.length - 1)
  if (sequence.nextTokenIndex > known) await sequence.eraseContextTokenRanges([{ start: known, end: sequence.nextTokenIndex }])
  let count = 0
  for await (const _ of sequence.evaluate(prompt.slice(known), { temperature: 0, yieldEogToken: true })) if (++count >= tokens) break
  if (count !== tokens) throw new Error(`${count} of ${tokens} tokens came`)
}

process.on('message', async ({ streams, tokens }: BareOrder) => {
  const startedAt = performance.now()
  await Promise.all(sequences.slice(0, streams).map((sequence) => generate(sequence, tokens)))
  process.send?.({ wallMs: performance.now() - startedAt } satisfies BareReport)
})
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
