import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const cache = fileURLToPath(new URL('../../models/cache', import.meta.url))

/**
 * A Python that has these modules: the machine's, or one of its own in `models/cache/<folder>` that gets the packages through the user's own pip.
 * Undefined where it cannot be had, and the reason is printed.
 */
export async function findPython(wanted: { modules: string; packages: string[]; folder: string; what: string }): Promise<string | undefined> {
  try {
    return await find(wanted)
  } catch (error) {
    const [reason] = String(error instanceof Error ? error.message : error).split('\n')
    process.stdout.write(`left out: ${wanted.what} (it cannot be had here: ${reason})\n`)
    return undefined
  }
}

async function find({ modules, packages, folder }: { modules: string; packages: string[]; folder: string }): Promise<string> {
  const own = join(cache, folder, 'bin', 'python')
  for (const python of ['python3', own]) {
    const found = await run(python, ['-c', `import ${modules}`]).then(
      () => true,
      () => false
    )
    if (found) return python
  }
  if (!existsSync(own)) await run('python3', ['-m', 'venv', join(cache, folder)], { timeout: 60_000 })
  const options = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--retries', '1', '--timeout', '15']
  await run(own, [...options, ...packages], { timeout: 120_000 })
  return own
}
