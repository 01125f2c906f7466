import { globSync } from 'node:fs'
import type { Plugin } from 'vite'

/** `pages.json`: names of the console's pages, so that the server knows which addresses lead into it. */
export function pageList(root: string): Plugin {
  return {
    name: 'outpost-page-list',
    generateBundle() {
      const names = globSync('features/*/page.ts', { cwd: root }).map((file) => file.split('/')[1] ?? '')
      this.emitFile({ type: 'asset', fileName: 'pages.json', source: JSON.stringify(names.sort()) })
    }
  }
}
