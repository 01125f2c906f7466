import { readFileSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ChatRequest, EmbedRequest } from '#contracts/chat.ts'
import { loadLlamaEngine } from '../../server/engines/llama/llama-engine.ts'
import { openLlama } from '../../server/engines/llama/open-llama.ts'
import { createLog } from '../../server/log.ts'
import type { Allocation, AllocationOrder } from './allocation.ts'

const said = new Map<string, number>()
const patterns: Record<string, RegExp> = {
  weights: /model buffer size\s*=\s*([\d.]+) MiB/g,
  cache: /(?:KV|RS) buffer size\s*=\s*([\d.]+) MiB/g,
  compute: /compute buffer size\s*=\s*([\d.]+) MiB/g,
  output: /output buffer size\s*=\s*([\d.]+) MiB/g
}

/** A log that only listens. */
const silent = createLog({ level: 'silent' })
const log = Object.assign(Object.create(silent) as typeof silent, {
  debug(_: object, message = '') {
    for (const [what, pattern] of Object.entries(patterns)) {
      for (const [, mebibytes] of message.matchAll(pattern)) said.set(what, (said.get(what) ?? 0) + Number(mebibytes) * 2 ** 20)
    }
  }
})

/** Enough for the largest step; attention that keeps all scores needs a full window to show what it takes, and its shapes have none larger than this. */
const longestPrompt = 2040

const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) * 1024

process.once('message', async ({ path, kind, slots, cacheType, fill }: AllocationOrder) => {
  const llama = await openLlama(false, log)
  const residentBefore = resident()
  if (cacheType === 'q8_0') {
    const model = await llama.loadModel({ modelPath: path })
    const contextSize = model.trainContextSize
    await model.createContext({
      sequences: slots,
      contextSize,
      batchSize: 512,
      threads: 1,
      experimentalKvCacheKeyType: 'Q8_0',
      experimentalKvCacheValueType: 'Q8_0'
    })
    return report(residentBefore, contextSize, slots)
  }
  const engine = await loadLlamaEngine({ modelId: 'model', path, kind, threads: 1, slots, gpu: false, log })
  const { contextWindow } = engine.description
  const signal = new AbortController().signal
  if (fill && kind === 'chat') {
    const prompt = ' the'.repeat(Math.min(longestPrompt, contextWindow - 8))
    const request = ChatRequest.parse({ model: 'model', prompt, generation: { maxTokens: 1, temperature: 0 } })
    for await (const event of engine.chat(request, signal)) if (event.type === 'generation-end') break
  } else if (fill) {
    const request = EmbedRequest.parse({ model: 'model', input: [' the'.repeat(Math.min(longestPrompt, contextWindow - 8))] })
    for await (const event of engine.embed?.(request, signal) ?? []) if (event.type === 'generation-end') break
  }
  await report(residentBefore, contextWindow, slots)
})

async function report(residentBefore: number, contextWindow: number, slots: number): Promise<void> {
  // The library hands its log over in later turns of the loop.
  while (!said.has('compute')) await nextTurn()
  const { weights = 0, cache = 0, compute = 0, output = 0 } = Object.fromEntries(said)
  const allocation: Allocation = { weights, cache, compute, output, residentBefore, residentAfter: resident(), contextWindow, slots }
  process.send?.(allocation)
}
