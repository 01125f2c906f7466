import type { CatalogueEntry } from '#contracts/model.ts'
import type { CacheType, Fit, ModelShape, WeightsDescription } from '#contracts/weights.ts'
import { type EngineSettings, memoryNeed } from './engine-memory.ts'
import type { MachineMemory } from './machine-memory.ts'
import { guessShape } from './shape-guess.ts'

/** What is absent is as a worker has it: the whole context window of the model, four slots, a cache in f16. */
export type FitSettings = { contextWindow?: number | undefined; slots?: number | undefined; cacheType?: CacheType | undefined }

const defaultSlots = 4
/** The engine loads a chat model with no less than this. */
const smallestWindow = 512
const step = 256
/** Of a model that does not say what it was trained for. Tokens. */
export const unknownWindow = 8192

/** Whether a model whose headers were read fits this machine as it is now. Pure. */
export function fitOf(description: WeightsDescription, settings: FitSettings, memory: MachineMemory): Fit {
  const { shape, contextLength, isEmbedding, tensorBytes, parameters } = description
  return judge(
    shape ?? guessShape({ bytes: tensorBytes, parameters, isEmbedding }),
    engineSettings(settings, contextLength ?? unknownWindow, isEmbedding),
    memory,
    shape === null || shape.isRough
  )
}

/** The same of a model that is not here, from what the catalogue says of it: an estimate. */
export function fitOfEntry(entry: CatalogueEntry, settings: FitSettings, memory: MachineMemory): Fit {
  const bytes = entry.files.reduce((sum, file) => sum + (file.size ?? 0), 0)
  const isEmbedding = entry.kind !== 'chat'
  const shape = guessShape({ bytes, parameters: entry.parameters, isEmbedding })
  return judge(shape, engineSettings(settings, entry.contextWindow, isEmbedding), memory, true)
}

function engineSettings(settings: FitSettings, trained: number, isEmbedding: boolean): EngineSettings {
  return {
    contextWindow: Math.min(settings.contextWindow ?? trained, trained),
    slots: isEmbedding ? 1 : (settings.slots ?? defaultSlots),
    cacheType: settings.cacheType ?? 'f16',
    isEmbedding
  }
}

function judge(shape: ModelShape, settings: EngineSettings, machine: MachineMemory, isEstimate: boolean): Fit {
  const available = { memory: machine.available, gpu: machine.gpus.reduce((sum, gpu) => sum + gpu.available, 0) }
  const hasGpu = machine.gpus.length > 0
  const layers = shape.layers.length + 1

  /** The most layers on the GPU with which a window of so many tokens fits; undefined: it does not, however they are placed. */
  function place(contextWindow: number): number | undefined {
    const fits = (gpuLayers: number) => memoryNeed(shape, { ...settings, contextWindow }, gpuLayers).gpu <= available.gpu
    // More layers there take more of the GPU and less of the memory.
    const gpuLayers = hasGpu ? largest(0, layers, fits) : 0
    const { memory } = memoryNeed(shape, { ...settings, contextWindow }, gpuLayers)
    return memory.total <= available.memory ? gpuLayers : undefined
  }

  const smallest = Math.min(smallestWindow, settings.contextWindow)
  const { memory } = memoryNeed(shape, settings)
  const least = memoryNeed(shape, { ...settings, contextWindow: smallest }).memory.total
  const report = {
    isEstimate,
    contextWindow: settings.contextWindow,
    slots: settings.slots,
    cacheType: settings.cacheType,
    need: memory,
    least,
    layers,
    available
  }
  const asked = place(settings.contextWindow)
  if (asked !== undefined) {
    const isWhole = !hasGpu || asked === layers
    const text = isWhole ? 'fits' : `fits with ${asked} layers on the GPU`
    return { ...report, verdict: isWhole ? 'fits' : 'layers', text, largestContext: settings.contextWindow, gpuLayers: asked }
  }
  if (place(smallest) !== undefined) {
    const most = Math.floor((settings.contextWindow - 1) / step)
    const largestContext = Math.max(smallest, step * largest(0, most, (pieces) => pieces * step <= smallest || place(pieces * step) !== undefined))
    return { ...report, verdict: 'context', text: `fits with context ≤ ${largestContext}`, largestContext, gpuLayers: place(largestContext) ?? 0 }
  }
  const text = `does not fit, needs ${inGibibytes(least)} with context ${smallest}; free are ${inGibibytes(available.memory)}${hasGpu ? ` and ${inGibibytes(available.gpu)} on the GPU` : ''}`
  return { ...report, verdict: 'none', text, largestContext: 0, gpuLayers: 0 }
}

/** The largest whole number of a range for which `holds`, which holds up to some number and not beyond; `from` when it never does. */
function largest(from: number, to: number, holds: (value: number) => boolean): number {
  let [low, high] = [from, to]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (holds(middle)) low = middle
    else high = middle - 1
  }
  return low
}

function inGibibytes(bytes: number): string {
  return `${(Math.ceil((bytes / 2 ** 30) * 10) / 10).toFixed(1)} GiB`
}
