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
  console: {
    summary: 'open the console: a link that signs a browser in',
    help: `Usage: outpost console [--json]
       outpost console list [--json]
       outpost console sign-out [ID] [--json]

Prints a link that opens the console as the owner: once, within ten minutes. Whoever has a key can sign in with that instead.
list shows the browsers that are signed in; sign-out ends one of them, or all.
`,
    load: () => import('./console.ts')
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
    help: `Usage: outpost pull MODEL [options]

MODEL is an id or another name from outpost list, or a place:
  hf:org/repo:Q4_K_M           one quantisation of a Hugging Face repository
  hf:org/repo/path/file.gguf   one file of it; @revision at the end of either pins a branch, tag or commit
  hf:org/repo                  its only GGUF or Q4_K_M; without GGUF its safetensors files, for vLLM
  https://…/file.gguf          also s3://bucket/path/file.gguf
  ./file.gguf                  a file that is here already, used where it lies

What was interrupted goes on where it stopped. OUTPOST_MIRRORS names folders or addresses to look in first.
What nobody vouches for is pinned to what came first, and said so.

  --limit-rate RATE  bytes a second at most, such as 50M (OUTPOST_PULL_RATE)
  --json             how it ended, instead of progress
`,
    load: () => import('./pull.ts')
  },
  adopt: {
    summary: 'use a GGUF file of another program where it lies',
    help: `Usage: outpost adopt PATH [--name NAME] [--json]
       outpost adopt --scan [FOLDER…] [--json]

Nothing is copied. Of a split model any part stands for all. When the file changes it is not loaded until outpost verify has looked at it.
--scan lists what Hugging Face, LM Studio and llama.cpp keep on this machine, or what lies in the folders given, and what it would be called.
`,
    load: () => import('./adopt.ts')
  },
  rm: {
    summary: 'remove a model and free its space',
    help: `Usage: outpost rm MODEL [--json]

Deletes the files no other model needs, and what a stopped pull of it left. Adopted files stay where they are.
`,
    load: () => import('./rm.ts')
  },
  gc: {
    summary: 'delete what serves no model',
    help: `Usage: outpost gc [--dry-run] [--older-than DAYS] [--json]

Unused blobs, what stopped pulls left, quarantined files: what was not touched for 7 days, or DAYS. Running pulls are left alone.

  --dry-run          only say what would go
  --older-than DAYS  0: everything
`,
    load: () => import('./gc.ts')
  },
  verify: {
    summary: 'read a model again and hold it against its hashes',
    help: `Usage: outpost verify MODEL [--json]

What has rotted is put aside and fetched again where a source is known. An adopted file that changed is looked at anew.
Exit code 1 when something is not what it was and could not be mended.
`,
    load: () => import('./verify.ts')
  },
  'verify-store': {
    summary: 'the same for every model',
    help: `Usage: outpost verify-store [--json]

Reads every byte of the store, in a process of the lowest priority.
`,
    load: () => import('./verify-store.ts')
  },
  policy: {
    summary: 'which models may come and be loaded',
    help: `Usage: outpost policy show [--json]
       outpost policy set FILE [--json]

FILE (- for stdin) is the whole policy as JSON, for example
  {"licences": {"allow": ["Apache-2.0", "MIT"]}, "models": {"deny": ["*-uncensored*"]}, "sources": {"allow": ["folder", "https:*.example.org"]}}
models are ids, licences SPDX ids, sources kinds or kind:host, signers fingerprints or "unsigned"; * stands for anything, deny wins.
`,
    load: () => import('./policy.ts')
  },
  bundle: {
    summary: 'carry models to another machine by hand, signed and checked',
    help: `Usage: outpost bundle export MODEL… DIR|FILE [--sign KEY] [--split SIZE] [--json]
       outpost bundle import FILE|DIR [--trust FINGERPRINT…] [--allow-unsigned] [--json]
       outpost bundle inspect FILE|DIR [--deep] [--json]
       outpost bundle keygen FILE [--json]
       outpost bundle signers list|trust FINGERPRINT|KEY.pub [--name NAME]|distrust FINGERPRINT|KEY.pub [--json]

A bundle holds models with their licences in one file, or in parts (.001, .002, …) where a medium cannot hold it whole. None of these needs a running server.

export    --sign KEY      signs with a key that keygen made
          --split SIZE    parts of that size at most; 4G is what FAT32 can hold, and what is taken on it anyway
import    takes in what a trusted signer signed, after every byte was checked; goes on where an earlier import stopped
          --trust F       trusts the signer with this fingerprint from now on
          --allow-unsigned takes in a bundle nobody signed
inspect   shows what a bundle holds and who signed it, and writes nothing
          --deep          reads every byte and compares it with what was signed
keygen    makes a key to sign with in FILE, and the public one in FILE.pub
signers   whose bundles this machine takes in, and who said so
`,
    load: () => import('./bundle.ts')
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
  pin: {
    summary: 'never unload a model to make room for others',
    help: `Usage: outpost pin MODEL

outpost unload still does, and outpost unpin takes it back.
`,
    load: () => import('./pin.ts')
  },
  unpin: {
    summary: 'let a model make room again',
    help: `Usage: outpost unpin MODEL
`,
    load: () => import('./unpin.ts')
  },
  plan: {
    summary: 'have an action planned and run, and look after plans',
    help: `Usage: outpost plan run "ACTION" [options]
       outpost plan follow ID [--json]
       outpost plan list [--status STATUS] [--limit N] [--before ID] [--json]
       outpost plan show ID [--events] [--attempts] [--graph] [--pddl] [--json]
       outpost plan abort ID [--reason TEXT] [--json]
       outpost plan approve ID TASK [--refuse] [--note TEXT] [--json]
       outpost plan failures list [--all] | show ID | resolve ID --reason TEXT | ignore ID --reason TEXT [--json]
       outpost plan cache list|clear [--json]

Everywhere: -p, --project NAME|ID   for administrators; else it is the project of the key

run       turns the action into tasks of the services there are, and runs them. How it goes is told on stderr, the result comes on stdout.
          Ctrl-C ends the watching and not the plan. Exit code 1 when it does not complete.
          -d FIELD=TEXT         one value of the action's data, as text; FIELD:=JSON for numbers, lists and so on. As often as needed
          --data JSON|FILE      all of it: {"field": value, …} (- for stdin)
          --approve SERVICE     tasks of this service wait until somebody approves them. As often as needed
          --timeout TIME        of one attempt of a task (30s)
          --grace TIME          how long a task waits for a service that is away (30m)
          --deadline TIME       of the whole plan (none)
          --detach              print the id and do not wait
follow    the same for a plan that runs, or ran
list      newest first, 20 of them. STATUS: pending processing completed failed not_actionable aborted cancelled
show      tasks, times and results
          --events              everything that happened, in order
          --attempts            prompts and answers of the planning, for administrators
          --graph               which field goes where
          --pddl                the plan as PDDL, for tools that check or draw plans
abort     stops a plan, and takes back what can be taken back
approve   lets a task go on that waits for approval, or refuses it
failures  what could not be taken back, for somebody to see to
cache     plans that are used again for similar actions

○ waits ◎ runs ● completed ✕ failed ⊘ not actionable ⏸ paused ⊟ aborted
`,
    load: () => import('./plan.ts')
  },
  service: {
    summary: 'services and agents that plans may use',
    help: `Usage: outpost service list [--json]
       outpost service show SERVICE [--json]
       outpost service rm SERVICE [--json]

SERVICE is an id or a name. ● marks what can be reached now. rm takes a service out of new plans; those that run go on.

  -p, --project NAME|ID   for administrators; else it is the project of the key
`,
    load: () => import('./service.ts')
  },
  toolbox: {
    summary: 'give plans tools without writing a service: models, HTTP APIs, MCP servers',
    help: `Usage: outpost toolbox add NAME --llm [--model ID]
       outpost toolbox add NAME --openapi FILE [--server URL] [--header 'NAME: VALUE' | --header-file FILE]
       outpost toolbox add NAME --mcp-url URL [--header 'NAME: VALUE' | --header-file FILE]
       outpost toolbox add NAME [--env VARIABLE[=VALUE]] [--folder PATH] --mcp-command COMMAND [ARGUMENT…]
       outpost toolbox list [--json]
       outpost toolbox show|refresh|rm TOOLBOX [--json]

Each operation or tool becomes a service, called NAME.operation. What cannot be one is named with the reason. TOOLBOX is an id or a name.

add       --llm                 a model writes, classifies and extracts, by default the one that plans
          --openapi FILE        an HTTP API by its OpenAPI 3 file, JSON or YAML (- for stdin)
          --server URL          where it is, instead of the first server in the file
          --header-file FILE    a file with one header that carries the key, such as Authorization: Bearer … (- for stdin). It is not shown again
          --mcp-url URL         an MCP server at an address
          --mcp-command …       an MCP server that is a program on the server's machine; all that stands after it is the command
          --env VARIABLE=VALUE  for the program; without =VALUE its value here. As often as needed
          --folder PATH         where the program runs
          --approval WHICH      whose tasks wait for a person: changes (may change something; usual), always, never
          --only OPERATION      only this one of its operations. As often as needed
          --replace             changes the toolbox of this name
refresh   takes over what an MCP server offers now: until then nothing new of it is used

  --json
  -p, --project NAME|ID   instead of the server's own project
`,
    load: () => import('./toolbox.ts')
  },
  grounding: {
    summary: 'what is known of a domain, to plan by',
    help: `Usage: outpost grounding apply -f FILE [--json]
       outpost grounding list [--json]
       outpost grounding rm NAME [--json]

FILE is YAML or JSON (- for stdin): name, domain, version, use-cases (action, params, capabilities, intent), constraints.
Another version of the same name is replaced; the same version is refused.

  -p, --project NAME|ID   for administrators; else it is the project of the key
`,
    load: () => import('./grounding.ts')
  },
  webhook: {
    summary: 'who is told how plans end',
    help: `Usage: outpost webhook add URL [--compensation] [--json]
       outpost webhook list [--json]
       outpost webhook rm ID [--json]
       outpost webhook deliveries [--plan ID] [--limit N] [--json]
       outpost webhook redeliver ID [--json]

The secret that signs what is sent to a new webhook is shown once, on stdout and alone there.

  --compensation          is told of compensations that failed, and not of plans
  -p, --project NAME|ID   for administrators; else it is the project of the key
`,
    load: () => import('./webhook.ts')
  },
  project: {
    summary: 'projects of the plan engine: each with services, plans and keys of its own',
    help: `Usage: outpost project create NAME [--json]
       outpost project list [--json]

The secret of the new project's key is shown once, on stdout and alone there: KEY=$(outpost project create shop)
More keys: outpost keys create NAME --role project --project ID
`,
    load: () => import('./project.ts')
  },
  keys: {
    summary: 'make, list, revoke and rotate keys',
    help: `Usage: outpost keys create NAME [--role user|administrator|project] [--lane interactive|planning|normal|batch] [--project ID] [--json]
       outpost keys list [--json]
       outpost keys revoke ID [--json]
       outpost keys rotate ID [--json]

The secret of a key is shown once, on stdout and alone there: SECRET=$(outpost keys create app)
--lane is the best lane its requests may use. Rotating gives a new secret; the old one ends at once.
--role project is for the services and applications of a project: the plan engine in that project, and nothing else.
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
  const lines = Object.entries(verbs).map(([name, { summary }]) => `  ${name.padEnd(12)} ${summary}`)
  return `Usage: outpost <verb> [options]

${lines.join('\n')}

outpost <verb> --help tells more. A server elsewhere is named by OUTPOST_URL and OUTPOST_KEY.
`
}
