import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { build } from 'vite'
import { compress } from './compress.ts'
import { endpointTable } from './endpoint-table.ts'
import { pageList } from './page-list.ts'

/** Builds the console into `renderer/dist`. `--watch` goes on with every change; `--stamp TEXT` notes what it was made of, for `setup.mjs`. */
const root = fileURLToPath(new URL('..', import.meta.url))
const outDir = join(root, 'dist')
const stamp = process.argv[process.argv.indexOf('--stamp') + 1]
const isWatching = process.argv.includes('--watch')

await build({
  configFile: false,
  root,
  logLevel: 'warn',
  plugins: [react(), endpointTable(), pageList(root), compress(outDir)],
  build: {
    outDir,
    emptyOutDir: true,
    target: 'es2023',
    // The policy of the page allows no `data:` but for images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    watch: isWatching ? {} : null
  }
})
if (process.argv.includes('--stamp') && stamp !== undefined) writeFileSync(join(outDir, 'sources.sha256'), stamp)
