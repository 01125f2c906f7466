import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

let isBuilt = false

/** Sees to it that `renderer/dist` is what the sources say, as `npm test` does before it begins. */
export function builtConsole(): void {
  if (isBuilt) return
  const setup = fileURLToPath(new URL('../../server/setup.mjs', import.meta.url))
  const { status, stderr } = spawnSync(process.execPath, [setup, '--console-only'], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the console could not be built: ${stderr}`)
  isBuilt = true
}
