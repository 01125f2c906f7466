import { readdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { isLaterPart } from './adopt.ts'

/** A GGUF file another program keeps. `path` is where that program itself would open it. */
export type FoundWeights = { path: string; size: number; program: string }

type Place = { program: string; folder: string }

/**
 * Where other programs keep weights. Sources: huggingface_hub "Understand caching" (HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME), LM Studio's models folder (its older
 * home among them), llama.cpp's `fs_get_cache_directory` (LLAMA_CACHE, XDG_CACHE_HOME).
 */
export function weightPlaces(env: NodeJS.ProcessEnv = process.env, home: string = env['HOME'] ?? homedir(), platform = process.platform): Place[] {
  const caches = env['XDG_CACHE_HOME'] ?? join(home, '.cache')
  const llamaCaches = platform === 'darwin' ? join(home, 'Library', 'Caches') : platform === 'win32' ? (env['LOCALAPPDATA'] ?? home) : caches
  return [
    { program: 'Hugging Face', folder: env['HF_HUB_CACHE'] ?? join(env['HF_HOME'] ?? join(caches, 'huggingface'), 'hub') },
    { program: 'LM Studio', folder: join(home, '.lmstudio', 'models') },
    { program: 'LM Studio', folder: join(home, '.cache', 'lm-studio', 'models') },
    { program: 'llama.cpp', folder: env['LLAMA_CACHE'] ?? join(llamaCaches, 'llama.cpp') }
  ]
}

/** Deeper than any of these programs puts a file; a link that leads in a circle ends here. */
const deepest = 8

/** Every model among these places: later parts of split files and projectors, which are no models by themselves, left out. Reads names and sizes only. */
export function findWeights(places: readonly Place[]): FoundWeights[] {
  const found = new Map<string, FoundWeights>()
  for (const { program, folder } of places) {
    for (const path of filesBelow(folder, deepest)) {
      const name = path.toLowerCase()
      if (!name.endsWith('.gguf') || isLaterPart(path) || /(^|[-_./\\])mmproj/.test(name)) continue
      const stat = statSync(path, { throwIfNoEntry: false })
      // The same bytes under two names, as two revisions in the Hugging Face cache, are one model.
      if (stat?.isFile() && !found.has(`${stat.dev} ${stat.ino}`)) found.set(`${stat.dev} ${stat.ino}`, { path, size: stat.size, program })
    }
  }
  return [...found.values()]
}

function* filesBelow(folder: string, depth: number): Generator<string> {
  if (depth === 0) return
  let entries: { name: string; isDirectory(): boolean }[]
  try {
    entries = readdirSync(folder, { withFileTypes: true }).sort((one, other) => (one.name < other.name ? -1 : 1))
  } catch {
    // Not there, or not ours to look into.
    return
  }
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* filesBelow(path, depth - 1)
    else yield path
  }
}
