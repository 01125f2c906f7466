/** One verb of the command line. `run` gets what stands after it, and returns the exit code. */
export type Verb = { summary: string; help: string; load: () => Promise<{ run(args: string[]): Promise<number> }> }

export const verbs = {
  serve: {
    summary: 'start the server',
    help: `Usage: outpost serve [options]

Starts the gateway, Redis and a worker for the default models, which are pulled first where they are missing.

  --model ID      chat model to have ready, or a .gguf file (OUTPOST_MODEL)
  --no-pull       do not download anything
  --port N        port to listen on, 0: any free one (OUTPOST_PORT, 4477)
  --host ADDRESS  address to listen on (OUTPOST_HOST, 127.0.0.1)
  --insecure-http accept keys and prompts over plain HTTP on other addresses than this machine's own
`,
    load: () => import('./serve.ts')
  }
} satisfies Record<string, Verb>

export type VerbName = keyof typeof verbs

export function isVerb(name: string): name is VerbName {
  return Object.hasOwn(verbs, name)
}

export function usage(): string {
  const lines = Object.entries(verbs).map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`)
  return `Usage: outpost <verb> [options]\n\n${lines.join('\n')}\n\noutpost <verb> --help tells more.\n`
}
