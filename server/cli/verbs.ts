/** One verb of the command line. `run` gets what stands after it, and returns the exit code. */
export type Verb = { summary: string; help: string; load: () => Promise<{ run(args: string[]): Promise<number> }> }

export const verbs = {
  serve: {
    summary: 'start the server',
    help: `Usage: outpost serve [options]

Starts the gateway, Redis and a worker for the default models, which are pulled first where they are missing.
On a terminal the log goes to logs/outpost.log in the home folder, else to stderr.

  --model ID      chat model to have ready, or a .gguf file (OUTPOST_MODEL)
  --no-pull       do not download anything
  --port N        port to listen on, 0: any free one (OUTPOST_PORT, 4477)
  --host ADDRESS  address to listen on (OUTPOST_HOST, 127.0.0.1)
  --insecure-http accept keys and prompts over plain HTTP on other addresses than this machine's own
`,
    load: () => import('./serve.ts')
  },
  status: {
    summary: 'where the server is, whether it is ready, its models and queues',
    help: `Usage: outpost status [--json]

Exit code 0 when a server answers, ready or not; 1 when none does.
`,
    load: () => import('./status.ts')
  },
  ps: {
    summary: 'what runs and waits',
    help: `Usage: outpost ps [--json]

Every request that runs or waits: its model, whose it is, its lane, its place in line and when it should start.
`,
    load: () => import('./ps.ts')
  },
  list: {
    summary: 'the models there are, and which of them are here',
    help: `Usage: outpost list [--json]

✔ marks what is on this machine. Without a running server, catalogue and disk are looked at.
FITS estimates whether its whole context fits this machine's free memory, or how much of it: outpost fit tells more.
`,
    load: () => import('./list.ts')
  },
  pull: {
    summary: 'bring a model to this machine',
    help: `Usage: outpost pull MODEL

MODEL is an id or another name from outpost list, or a .gguf file, which is then used where it lies.
What was interrupted goes on where it stopped. OUTPOST_MIRRORS names folders or addresses to look in first.
`,
    load: () => import('./pull.ts')
  },
  show: {
    summary: 'what is in a model: architecture, quantisation, context, template, licence',
    help: `Usage: outpost show MODEL|FILE [--json]

MODEL is an id or another name from outpost list; its weights must be here. FILE is a .gguf file (any part of a split one), a .safetensors
file, or a folder of them. Every count, offset and length in the headers is checked, in a process that may do nothing else.
`,
    load: () => import('./show.ts')
  },
  fit: {
    summary: 'whether a model fits the memory of this machine',
    help: `Usage: outpost fit MODEL|FILE [options]

Says: fits · fits with context ≤ N · fits with N layers on the GPU · does not fit, needs N GiB. Exit code 1 when it does not fit.
From the header of the weights when they are here; else from the catalogue, as an estimate.

  --context N       tokens of one slot (what the model was trained for)
  --slots N         requests at the same time (OUTPOST_SLOTS, 4)
  --cache TYPE      keys and values in f16 or q8_0 (f16, as Outpost loads)
  --json
`,
    load: () => import('./fit.ts')
  },
  run: {
    summary: 'chat in the terminal, or get one answer',
    help: `Usage: outpost run MODEL [PROMPT] [options]

Without a prompt on a terminal it is a conversation (/help there). Else one answer is written to stdout:
  outpost run smollm2 "Say hello."
  echo "Say hello." | outpost run smollm2
  cat letter.txt | outpost run smollm2 "Sum this up:" -      (- stands for what comes in by the pipe)

  --system TEXT     what the model is told before everything else
  --temperature N   0–2, 0: always the likeliest word (0.3 with a repeat penalty of 1.1)
  --max-tokens N    length of the answer at most
  --json            text, reason of its end, usage and times instead of the stream
`,
    load: () => import('./run.ts')
  },
  load: {
    summary: 'load a model, also one that failed before',
    help: `Usage: outpost load MODEL

Waits until the model can answer. It is pulled first where it is missing.
`,
    load: () => import('./load.ts')
  },
  unload: {
    summary: 'free the memory of a model',
    help: `Usage: outpost unload MODEL

The next request for the model loads it again.
`,
    load: () => import('./unload.ts')
  },
  keys: {
    summary: 'make, list, revoke and rotate keys',
    help: `Usage: outpost keys create NAME [--role user|administrator] [--lane interactive|normal|batch] [--json]
       outpost keys list [--json]
       outpost keys revoke ID [--json]
       outpost keys rotate ID [--json]

The secret of a key is shown once, on stdout and alone there: SECRET=$(outpost keys create app)
--lane is the best lane its requests may use. Rotating gives a new secret; the old one ends at once.
`,
    load: () => import('./keys.ts')
  },
  doctor: {
    summary: 'look for what is wrong on this machine, and say what to do',
    help: `Usage: outpost doctor [--deep] [--json]

Looks at Node, Redis, memory, disk, GPU, port, home folder and weights; needs no running server.
Exit code 1 when something hinders Outpost (✖); ⚠ is worth knowing.

  --deep   reads every byte of the weights again and compares their sha256
`,
    load: () => import('./doctor.ts')
  }
} satisfies Record<string, Verb>

export type VerbName = keyof typeof verbs

export function isVerb(name: string): name is VerbName {
  return Object.hasOwn(verbs, name)
}

export function usage(): string {
  const lines = Object.entries(verbs).map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`)
  return `Usage: outpost <verb> [options]

${lines.join('\n')}

outpost <verb> --help tells more. A server elsewhere is named by OUTPOST_URL and OUTPOST_KEY.
`
}
