import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

/** Below this a compressed file saves less than a packet. */
const worthwhile = 1024

/** Writes `.br` and `.gz` beside what compresses well, so that the server need not compress while somebody waits. */
export function compress(folder: string): Plugin {
  return {
    name: 'outpost-compress',
    writeBundle() {
      for (const file of globSync('assets/*.{js,css,svg}', { cwd: folder })) {
        const path = join(folder, file)
        const content = readFileSync(path)
        if (content.length < worthwhile) continue
        const size = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length, [constants.BROTLI_PARAM_QUALITY]: 10 }
        writeFileSync(`${path}.br`, brotliCompressSync(content, { params: size }))
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }))
      }
    }
  }
}
