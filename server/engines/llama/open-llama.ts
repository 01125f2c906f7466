import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { getLlama, getLlamaGpuTypes, Llama, type LlamaLogLevel } from 'node-llama-cpp'
import type { Log } from '../../log.ts'

const opened = new Map<'auto' | false, Promise<Llama>>()

/** llama.cpp's backend is global to the process, and cannot be opened again after it was closed: it stays until the process ends. */
export function openLlama(gpu: 'auto' | false, log: Log): Promise<Llama> {
  let llama = opened.get(gpu)
  if (llama === undefined) {
    const logger = (level: LlamaLogLevel, message: string) => {
      if (level === 'error' || level === 'fatal') log.warn({ source: 'llama.cpp' }, message.trimEnd())
      else log.debug({ source: 'llama.cpp', level }, message.trimEnd())
    }
    llama = open(gpu, logger)
    opened.set(gpu, llama)
  }
  return llama
}

type Logger = (level: LlamaLogLevel, message: string) => void

async function open(gpu: 'auto' | false, logger: Logger): Promise<Llama> {
  const isCpuOnly = gpu === false || (await getLlamaGpuTypes('supported')).every((type) => type === false)
  const found = isCpuOnly ? await openPrebuilt(logger).catch(() => undefined) : undefined
  return found ?? (await getLlama({ build: 'never', gpu, maxThreads: 0, logger, skipDownload: true }))
}

/** Memory left to others, as the library leaves by itself on Linux. */
const ramPadding = (total: number) => Math.floor(Math.min(total / 4, 2 ** 30))

/** `@internal` in the library, as all below `sequence.evaluate()` that we use; its version is pinned. */
type Create = (options: {
  bindings: unknown
  bindingPath: string
  buildType: 'prebuilt'
  buildMetadata: unknown
  logger: Logger
  maxThreads: number
  vramPadding: number
  ramPadding: (total: number) => number
  debug: false
  numa: false
  tempDir: false
}) => Promise<Llama>

/**
 * The library tries each prebuilt binary in a process of its own first, half a second to find out which of several can be used here. Without a
 * graphics card there is one, and this process, which only runs the model, may as well be the one it fails in. Undefined where it is not known
 * where that binary lies (then the library looks for it).
 */
async function openPrebuilt(logger: Logger): Promise<Llama | undefined> {
  const create = (Llama as unknown as { _create?: Create })._create
  if (process.platform !== 'linux' || create === undefined) return undefined
  const library = fileURLToPath(import.meta.resolve('node-llama-cpp'))
  const require = createRequire(library)
  if (existsSync(join(dirname(library), '..', 'llama', 'localBuilds'))) return undefined
  const name = `linux-${process.arch}`
  const folder = join(dirname(require.resolve(`@node-llama-cpp/${name}`)), '..', 'bins', name)
  const bindingPath = join(folder, 'llama-addon.node')
  return await create.call(Llama, {
    bindings: require(bindingPath),
    bindingPath,
    buildType: 'prebuilt',
    buildMetadata: JSON.parse(readFileSync(join(folder, '_nlcBuildMetadata.json'), 'utf8')),
    logger,
    maxThreads: 0,
    vramPadding: 0,
    ramPadding,
    debug: false,
    numa: false,
    tempDir: false
  })
}
