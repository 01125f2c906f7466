import { type ChildProcess, spawn } from 'node:child_process'
import { type Ending, onEnd } from '../helpers/on-end.ts'
import { program, testEnvironment } from '../helpers/server.ts'

export type Run = {
  readonly child: ChildProcess
  stdout(): string
  stderr(): string
  write(text: string): void
  /** Resolves once the output, from where the last call found something on, matches. Rejects when the command ends before. */
  says(pattern: RegExp): Promise<RegExpExecArray>
  /** Exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>
}

type Settings = { home: string; env?: Record<string, string | undefined> }

/** The real command, in a process of its own. It is ended with the test. */
export function startOutpost(t: Ending, args: string[], settings: Settings): Run {
  return follow(t, spawn(process.execPath, [program, ...args], { env: testEnvironment(settings.home, settings.env), stdio: 'pipe' }))
}

/** The same on a terminal (of `script`, which every Unix has). */
export function startOutpostOnTerminal(t: Ending, args: string[], settings: Settings): Run {
  const words = [process.execPath, program, ...args]
  // Replaces the shell: one that stays would get Ctrl-C as well, and some shells then end with 130 whatever the command ends with.
  const line = `exec ${words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')}`
  const parameters = process.platform === 'linux' ? ['-qefc', line, '/dev/null'] : ['-q', '/dev/null', ...words]
  return follow(t, spawn('script', parameters, { env: testEnvironment(settings.home, { TERM: 'xterm', ...settings.env }), stdio: 'pipe' }))
}

/** Runs the command to its end, with `input` on its stdin. */
export async function outpost(
  t: Ending,
  args: string[],
  settings: Settings & { input?: string }
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const run = startOutpost(t, args, settings)
  run.child.stdin?.end(settings.input ?? '')
  const code = await run.ended
  return { code, stdout: run.stdout(), stderr: run.stderr() }
}

function follow(t: Ending, child: ChildProcess): Run {
  const output = { stdout: '', stderr: '' }
  let found = 0
  const listeners = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
      for (const listener of listeners) listener()
    })
  }
  child.stdin?.on('error', () => {})
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  onEnd(t, async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
  })
  const says = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(output.stdout.slice(found))
        if (match === null) return
        found += match.index + match[0].length
        listeners.delete(look)
        resolve(match)
      }
      listeners.add(look)
      void ended.then((code) => reject(new Error(`it ended (${code}) without ${pattern}:\n${output.stdout}${output.stderr}`)))
      look()
    })
  return {
    child,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    write: (text) => child.stdin?.write(text),
    says,
    ended
  }
}
