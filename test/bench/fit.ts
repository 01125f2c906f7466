import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryNeed, residentBytes } from '../../server/models/fit/engine-memory.ts'
import { readWeights } from '../../server/models/inspect/read-weights.ts'
import { type Allocation, measureAllocation } from '../helpers/allocation.ts'
import { modelShapes } from '../helpers/model-shapes.ts'
import { writeRandomModel } from '../helpers/random-model.ts'
import { chatWeights } from '../helpers/weights.ts'
import { table } from './overhead.ts'
import type { Section } from './report.ts'

const slots = 4
const worst = 0.1

/** The estimate of memory against what llama.cpp says it allocates and what the process really takes, over models of random weights. */
export async function measureFit(): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'outpost-bench-fit-'))
  const tokenizer = await chatWeights()
  const rows: string[][] = []
  const errors: { allocated: number; resident: number }[] = []
  try {
    for (const [name, shape] of Object.entries(modelShapes)) {
      const path = writeRandomModel(join(folder, 'model.gguf'), shape, tokenizer)
      rows.push(await compare(name, path, 'f16', errors))
      if (name.startsWith('llama, grouped')) rows.push(await compare(`${name}, cache q8_0`, path, 'q8_0', errors))
      rmSync(path)
    }
    rows.push(await compare('SmolLM2-135M-Instruct Q4_1 (real)', tokenizer, 'f16', errors))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const largest = (of: (error: (typeof errors)[number]) => number) => Math.max(...errors.map((error) => Math.abs(of(error))))
  const [allocated, resident] = [largest((error) => error.allocated), largest((error) => error.resident)]
  if (allocated > worst || resident > worst) process.stderr.write('The estimate is off by more than a tenth.\n')
  return {
    title: 'Fit',
    text: [
      `What \`outpost fit\` and the supervisor expect a model to take on the processor, from its header alone, against what it took: models of random weights with SmolLM2's tokenizer, loaded by our engine in a process of their own, ${slots} slots (embeddings: one text at a time), the whole context window. "Allocated" is the sum of the buffers llama.cpp reports: weights, KV cache, buffers of a step, output. "Process" is its resident memory after a prompt of 2,040 tokens or a full window, Node and library included; pages of the step buffer that a chat never touches are left out of that estimate. The largest error is **${percent(allocated)}** of what is allocated and **${percent(resident)}** of the process.`,
      table(['model', 'weights', 'cache', 'step', 'allocated', 'estimate', 'error', 'process', 'estimate', 'error'], rows)
    ]
  }
}

async function compare(name: string, path: string, cacheType: 'f16' | 'q8_0', errors: { allocated: number; resident: number }[]): Promise<string[]> {
  const { shape, isEmbedding } = readWeights([{ name: 'model.gguf', path }])
  if (shape === null) throw new Error(`${name} has no shape`)
  const took = await measureAllocation({ path, kind: isEmbedding ? 'embedding' : 'chat', slots, cacheType, fill: cacheType === 'f16' })
  const settings = { contextWindow: took.contextWindow, slots, cacheType, isEmbedding }
  const { memory } = memoryNeed(shape, settings)
  // The output of an embedding grows with its first text, without a word in the log.
  const expected = memory.weights + memory.cache + memory.compute + (isEmbedding ? took.output : memory.output)
  const allocated = expected / allocatedBytes(took) - 1
  const resident = residentBytes(shape, settings) / took.residentAfter - 1
  const isFilled = cacheType === 'f16'
  errors.push({ allocated, resident: isFilled ? resident : 0 })
  process.stderr.write(`${name}: ${percent(allocated)} of what is allocated, ${isFilled ? percent(resident) : '–'} of the process\n`)
  return [
    name,
    ...[took.weights, took.cache, took.compute, allocatedBytes(took), expected].map(inMebibytes),
    percent(allocated),
    ...(isFilled ? [inMebibytes(took.residentAfter), inMebibytes(residentBytes(shape, settings)), percent(resident)] : ['', '', ''])
  ]
}

const allocatedBytes = ({ weights, cache, compute, output }: Allocation) => weights + cache + compute + output
const inMebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`
const percent = (ratio: number) => `${ratio <= -0.0005 ? '−' : ''}${Math.abs(ratio * 100).toFixed(1)} %`
