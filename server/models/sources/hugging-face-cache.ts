import { readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { fileSource } from './folder.ts'
import { parseHubFile } from './hugging-face.ts'
import type { Source } from './source.ts'

/**
 * A file that Hugging Face's own tools have fetched already, read where it lies.
 * Source: `models--org--repo/refs/<revision>` names a commit, `snapshots/<commit>/<path>` is a link to the bytes (huggingface_hub, "Understand caching").
 */
export function huggingFaceCacheSource(reference: string, cache: string): Source {
  const { repository, path, revision } = parseHubFile(reference)
  if (normalize(path).startsWith('..')) throw new Error(`hf:${reference} leads out of its repository`)
  const folder = join(cache, `models--${repository.replace('/', '--')}`)
  return fileSource(`Hugging Face cache ${cache}`, () => [join(folder, 'snapshots', commitOf(folder, revision), path)])
}

function commitOf(folder: string, revision: string): string {
  try {
    return readFileSync(join(folder, 'refs', revision), 'utf8').trim()
  } catch {
    // No such branch or tag there, so it is a commit.
    return revision
  }
}
