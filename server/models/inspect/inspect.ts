import { type ChildProcess, fork } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { ErrorCode } from '#contracts/error.ts'
import { WeightsDescription } from '#contracts/weights.ts'
import { AppError } from '../../errors.ts'
import { refusePickle, refusePickleName } from './pickle.ts'
import type { WeightsFile } from './read-weights.ts'
import { namesOfParts } from './split-gguf.ts'
import { WeightsError } from './weights-error.ts'

export type { WeightsFile } from './read-weights.ts'

export type InspectOptions = {
  signal?: AbortSignal
  /** A header is read in milliseconds; a disk that sleeps or a network share may take a while. */
  timeoutMs?: number
  /** What reads the headers. */
  program?: URL
}

const usualTimeoutMs = 30_000
/** Far above what the largest header takes. */
const heapMegabytes = 512
const keptErrorOutput = 2048
const ownSource = fileURLToPath(new URL('../..', import.meta.url))

const Answer = z.union([z.object({ description: WeightsDescription }), z.object({ refusal: z.object({ code: ErrorCode, message: z.string() }) })])

/**
 * Checks the headers of a model's files and says what is in them. They are read in a process of their own, which may read nothing but these files, has
 * little memory and little time: whatever a crafted file does to it, it ends there, as a refusal.
 * `weights` is a file, a folder, or the files of a model. A part of a split GGUF stands for all of them.
 * Throws `AppError`: `weights_corrupt`, `weights_unavailable`, `cancelled`.
 */
export async function inspectWeights(weights: string | readonly WeightsFile[], options: InspectOptions = {}): Promise<WeightsDescription> {
  const files = typeof weights === 'string' ? await weightsFilesAt(weights) : weights
  const { signal, timeoutMs = usualTimeoutMs } = options
  const what = files.length === 1 ? (files[0]?.path ?? '') : `${files[0]?.path} and ${files.length - 1} more`
  const refusal = (reason: string) =>
    new AppError('weights_corrupt', `${what} cannot be read: ${reason}. It was not loaded; remove it and get it again.`)
  const isAborted = () => signal?.aborted === true
  if (isAborted()) throw stopped(what)
  const child = await startReader(files, options.program)
  const answered = Promise.withResolvers<z.infer<typeof Answer>>()
  let errorOutput = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errorOutput = (errorOutput + text).slice(-keptErrorOutput)
  })
  child.once('message', (message) => {
    const answer = Answer.safeParse(message)
    if (answer.success) answered.resolve(answer.data)
    else answered.reject(refusal('the process that reads its header answered nonsense'))
  })
  child.once('error', (error) =>
    answered.reject(new AppError('internal_error', `the process that reads headers did not start: ${error.message}`, { cause: error }))
  )
  // Of `close`, not `exit`: an answer may still be under way when the process is gone.
  child.once('close', (code, by) =>
    answered.reject(refusal(`reading its header ended the process that did it (${by ?? `exit code ${code}`})${outOfMemory(errorOutput)}`))
  )
  const timer = setTimeout(() => answered.reject(refusal(`its header was not read within ${timeoutMs / 1000} s`)), timeoutMs)
  const leave = () => answered.reject(stopped(what))
  signal?.addEventListener('abort', leave, { once: true })
  // It may have been while the process was being started.
  if (isAborted()) leave()
  try {
    child.send(
      files.map(({ name, path }) => ({ name, path })),
      () => {}
    )
    const answer = await answered.promise
    if ('refusal' in answer) throw new AppError(answer.refusal.code, answer.refusal.message)
    return answer.description
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', leave)
    child.kill('SIGKILL')
  }
}

/** The files of the model at a path: all parts of a split GGUF, all of a folder with safetensors and what describes them. Throws `weights_unavailable`. */
export async function weightsFilesAt(path: string): Promise<WeightsFile[]> {
  const absolute = resolve(path)
  const about = await stat(absolute).catch((error: Error) => {
    throw new AppError('weights_unavailable', `${absolute} cannot be opened: ${error.message}`, { cause: error })
  })
  const fileIn = (folder: string) => (name: string) => ({ name, path: join(folder, name) })
  if (!about.isDirectory()) {
    const isIndex = basename(absolute) === 'model.safetensors.index.json'
    if (isIndex) return await weightsFilesAt(dirname(absolute))
    const parts = namesOfParts(absolute) ?? []
    const beside = parts.length > 1 || /\.safetensors$/i.test(absolute) ? await readdir(dirname(absolute)) : []
    const wanted =
      parts.length > 1 ? parts.filter((part) => beside.includes(part)) : [basename(absolute), ...beside.filter((name) => companions.has(name))]
    return wanted.map(fileIn(dirname(absolute)))
  }
  const names = (await readdir(absolute)).sort()
  const shards = shardsAmong(names.filter((name) => /\.safetensors$/i.test(name)))
  if (shards.length > 0) return [...shards, ...names.filter((name) => companions.has(name))].map(fileIn(absolute))
  const others = names.filter((name) => /\.(bin|pt|pth|ckpt|pkl|pickle)$/i.test(name))
  if (others.length > 0) return others.map(fileIn(absolute))
  const gguf = names.filter((name) => /\.gguf$/i.test(name))
  const reason = gguf.length > 0 ? `name one of its files: ${gguf.slice(0, 5).join(', ')}` : 'there are neither safetensors nor GGUF files in it'
  throw new AppError('weights_unavailable', `${absolute} is a folder: ${reason}`)
}

/** Refuses files that are Python pickles, by name and, where they are here, by content. Throws `weights_corrupt`. */
export function refusePickles(files: readonly { name: string; path?: string }[]): void {
  for (const { name, path } of files) {
    const fd = path === undefined ? undefined : openSync(path, 'r')
    try {
      refusePickleName(name)
      if (fd !== undefined) refusePickle(fd)
    } catch (error) {
      throw error instanceof WeightsError ? new AppError('weights_corrupt', `${name} ${error.message}`, { cause: error }) : error
    } finally {
      if (fd !== undefined) closeSync(fd)
    }
  }
}

/** Some repositories hold the same model twice: in shards and whole, or under the name another program wants. */
function shardsAmong(names: string[]): string[] {
  const numbered = names.filter((name) => /-\d{5}-of-\d{5}\.safetensors$/i.test(name))
  if (numbered.length > 0) return numbered
  return names.includes('model.safetensors') ? ['model.safetensors'] : names
}

/** What describes a model beside its tensors. */
const companions: ReadonlySet<string> = new Set([
  'config.json',
  'model.safetensors.index.json',
  'tokenizer_config.json',
  'chat_template.jinja',
  'README.md',
  'modules.json'
])

/** With nothing of our environment, because keys and tokens are in it, and no right to write, to start programs or to read anything else. */
async function startReader(files: readonly WeightsFile[], program = new URL('./inspect-child.ts', import.meta.url)): Promise<ChildProcess> {
  const file = fileURLToPath(program)
  // A link must lead somewhere that may be read, too; what is not there is said by the reader.
  const paths = await Promise.all(files.map(async ({ path }) => [path, await realpath(path).catch(() => path)]))
  const readable = [...new Set([ownSource, join(ownSource, '..', 'package.json'), dirname(file), ...paths.flat()])]
  return fork(file, {
    execArgv: [`--max-old-space-size=${heapMegabytes}`, '--permission', ...readable.map((path) => `--allow-fs-read=${path}`)],
    env: process.env['SystemRoot'] === undefined ? {} : { SystemRoot: process.env['SystemRoot'] },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'json'
  })
}

function outOfMemory(errorOutput: string): string {
  return /heap out of memory|allocation failed/i.test(errorOutput) ? ': it took too much memory' : ''
}

function stopped(what: string): AppError {
  return new AppError('cancelled', `Reading the header of ${what} was stopped.`)
}
