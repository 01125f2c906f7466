import { InsufficientMemoryError, type Llama, type LlamaModel } from 'node-llama-cpp'
import type { ModelKind } from '#contracts/model.ts'
import { AppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { Engine } from '../engine.ts'
import { createChat } from './chat-engine.ts'
import { createChatTemplate } from './chat-template.ts'
import { createDecoder } from './decoder.ts'
import { createEmbed } from './embedding-engine.ts'
import { openNative } from './native.ts'
import { openLlama } from './open-llama.ts'
import { createSlots } from './slots.ts'
import { createThreadController } from './threads.ts'
import { createVocabulary } from './vocabulary.ts'

export type LlamaOptions = {
  modelId: string
  /** The GGUF file. */
  path: string
  kind: ModelKind
  /** Upper bound; fewer are used while the machine is busy. */
  threads: number
  /** Requests at the same time. */
  slots?: number
  /** Tokens of one slot at most; less when memory or the model's training says so. */
  contextWindow?: number
  gpu?: 'auto' | false
  onProgress?: (percent: number) => void
  log: Log
  signal?: AbortSignal
}

const defaultSlots = 4
const defaultWindow = 8192
/** A chat model with less than this is of no use; below it loading fails. */
const smallestWindow = 512
const batchSize = 512

/**
 * Loads weights into llama.cpp. Meant for a process of its own with UV_THREADPOOL_SIZE=1: each thread of libuv's pool that decodes gets its own team
 * of computing threads, and several teams fight over the cores.
 * Throws `weights_corrupt`, `insufficient_memory`; the signal's reason when aborted.
 */
export async function loadLlamaEngine(options: LlamaOptions): Promise<Engine> {
  const llama = await openLlama(options.gpu ?? 'auto', options.log)
  const model = await loadModel(llama, options)
  try {
    return options.kind === 'embedding' ? await openEmbedding(llama, model, options) : await openChat(llama, model, options)
  } catch (error) {
    await model.dispose()
    options.signal?.throwIfAborted()
    throw error
  }
}

async function loadModel(llama: Llama, { path, onProgress, signal }: LlamaOptions): Promise<LlamaModel> {
  try {
    return await llama.loadModel({
      modelPath: path,
      ...(signal === undefined ? {} : { loadSignal: signal }),
      ...(onProgress === undefined ? {} : { onLoadProgress: (part: number) => onProgress(Math.floor(part * 100)) })
    })
  } catch (error) {
    throw toLoadError(
      error,
      (reason) => new AppError('weights_corrupt', `${path} cannot be loaded: ${reason}. Pull the model again`, { cause: error })
    )
  }
}

async function openChat(llama: Llama, model: LlamaModel, options: LlamaOptions): Promise<Engine> {
  const { log } = options
  const slotCount = options.slots ?? defaultSlots
  const wanted = Math.min(model.trainContextSize, options.contextWindow ?? defaultWindow)
  const context = await model
    .createContext({
      sequences: slotCount,
      contextSize: { min: Math.min(smallestWindow, wanted), max: wanted },
      batchSize: Math.max(batchSize, slotCount),
      threads: options.threads,
      ...(options.signal === undefined ? {} : { createSignal: options.signal })
    })
    .catch((error: unknown) => {
      throw toLoadError(
        error,
        (reason) => new AppError('insufficient_memory', `no room for the context of ${slotCount} slots: ${reason}`, { cause: error })
      )
    })
  const native = openNative(llama, model, context)
  const vocabulary = createVocabulary(model, native)
  const template = createChatTemplate({
    source: model.fileInfo.metadata.tokenizer?.chat_template,
    beginningText: vocabulary.beginningText,
    endText: vocabulary.endText,
    log
  })
  const window = Math.min(wanted, context.contextSize)
  const slots = createSlots(slotCount)
  const decoder = createDecoder({
    native,
    slots: slots.all,
    batchSize: context.batchSize,
    slidingWindow: model.fileInsights.swaSize ?? 0,
    threads: createThreadController(options.threads)
  })
  return {
    id: options.modelId,
    description: { contextWindow: window, slots: slotCount, details: details(llama, model, options) },
    chat: createChat({ llama, model, native, vocabulary, template, slots, decoder, window }),
    async [Symbol.asyncDispose]() {
      const error = new AppError('shutting_down', 'the model is being unloaded')
      slots.close(error)
      await decoder.close(error)
      await model.dispose()
    }
  }
}

async function openEmbedding(llama: Llama, model: LlamaModel, options: LlamaOptions): Promise<Engine> {
  const window = Math.min(model.trainContextSize, options.contextWindow ?? defaultWindow)
  const context = await model
    // An encoder reads a text in one batch; the library keeps the last place of a context free.
    .createEmbeddingContext({ contextSize: window + 1, batchSize: window, threads: options.threads })
    .catch((error: unknown) => {
      throw toLoadError(
        error,
        (reason) => new AppError('insufficient_memory', `no room for a context of ${window} tokens: ${reason}`, { cause: error })
      )
    })
  const dimensions = model.embeddingVectorSize
  return {
    id: options.modelId,
    description: { contextWindow: window, slots: options.slots ?? 1, embeddingDimensions: dimensions, details: details(llama, model, options) },
    chat: refuseChat,
    embed: createEmbed({ context, window, dimensions }),
    async [Symbol.asyncDispose]() {
      await model.dispose()
    }
  }
}

// biome-ignore lint/correctness/useYield: it is the `chat` of an engine that has none.
async function* refuseChat(): AsyncGenerator<never, void> {
  throw new AppError('unsupported_feature', 'this model makes embeddings and cannot chat; choose a chat model', { param: 'model' })
}

function details(llama: Llama, model: LlamaModel, options: LlamaOptions): Record<string, string | number> {
  return {
    device: llama.gpu === false ? 'cpu' : llama.gpu,
    gpuLayers: model.gpuLayers,
    threads: options.threads,
    architecture: String(model.architecture),
    weightsBytes: model.size
  }
}

function toLoadError(error: unknown, otherwise: (reason: string) => AppError): AppError {
  if (error instanceof AppError) return error
  const reason = error instanceof Error ? error.message : String(error)
  if (error instanceof InsufficientMemoryError) return new AppError('insufficient_memory', reason, { cause: error })
  return otherwise(reason)
}
