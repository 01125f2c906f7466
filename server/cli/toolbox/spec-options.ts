import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import type { z } from 'zod'
import { ToolboxApproval, type ToolboxSpec } from '#contracts/plan-tools.ts'
import { choiceOption } from '../arguments.ts'
import { UsageError } from '../usage-error.ts'

type Spec = z.input<typeof ToolboxSpec>
type Secret = { name: string; value: string }

/** The options of `toolbox add` that say what is in it. */
export const specOptions = {
  llm: { type: 'boolean', default: false },
  model: { type: 'string' },
  openapi: { type: 'string' },
  server: { type: 'string' },
  'mcp-url': { type: 'string' },
  header: { type: 'string' },
  'header-file': { type: 'string' },
  env: { type: 'string', multiple: true },
  folder: { type: 'string' },
  approval: { type: 'string' },
  only: { type: 'string', multiple: true }
} as const

export type SpecValues = { llm: boolean; env?: string[] | undefined; only?: string[] | undefined } & {
  [Option in 'model' | 'openapi' | 'server' | 'mcp-url' | 'header' | 'header-file' | 'folder' | 'approval']?: string | undefined
}

/** Which options belong to which kind. */
const kinds = {
  '--llm': ['model'],
  '--openapi': ['server', 'header', 'header-file'],
  '--mcp-command': ['env', 'folder'],
  '--mcp-url': ['header', 'header-file']
} as const
type Kind = keyof typeof kinds

/** Everything after `--mcp-command` is the command, whatever it looks like: it comes last. */
export function splitCommand(args: string[]): { args: string[]; command: string[] | undefined } {
  const at = args.indexOf('--mcp-command')
  if (at < 0) return { args, command: undefined }
  const command = args.slice(at + 1)
  if (command.length === 0) throw new UsageError('--mcp-command wants the command after it, with its arguments')
  return { args: args.slice(0, at), command }
}

/** What the options describe, with files read. Throws `UsageError`. */
export async function readSpec(name: string, values: SpecValues, command: string[] | undefined): Promise<Spec> {
  const approval = choiceOption('approval', values.approval, ToolboxApproval.options)
  const common = { name, ...(approval && { approval }), ...(values.only && { only: values.only }) }
  switch (kindOf(values, command)) {
    case '--llm':
      return { kind: 'llm', ...common, ...(values.model !== undefined && { model: values.model }) }
    case '--openapi': {
      const document = await read(values.openapi ?? '')
      const authentication = await readHeader(values)
      return { kind: 'openapi', ...common, document, ...(values.server !== undefined && { serverUrl: values.server }), ...authentication }
    }
    case '--mcp-url':
      return { kind: 'mcp', ...common, server: { transport: 'http', url: values['mcp-url'] ?? '', ...(await readHeader(values)) } }
    case '--mcp-command': {
      const [program = '', ...rest] = command ?? []
      const environment = Object.fromEntries((values.env ?? []).map(readVariable))
      const folder = values.folder === undefined ? {} : { folder: values.folder }
      return { kind: 'mcp', ...common, server: { transport: 'stdio', command: program, arguments: rest, environment, ...folder } }
    }
  }
}

function kindOf(values: SpecValues, command: string[] | undefined): Kind {
  const given: Record<Kind, boolean> = {
    '--llm': values.llm,
    '--openapi': values.openapi !== undefined,
    '--mcp-command': command !== undefined,
    '--mcp-url': values['mcp-url'] !== undefined
  }
  const names = Object.keys(kinds) as Kind[]
  const [kind, ...more] = names.filter((name) => given[name])
  if (kind === undefined || more.length > 0) {
    throw new UsageError(`toolbox add wants one of ${names.join(', ')}, got ${kind === undefined ? 'none' : [kind, ...more].join(' and ')}`)
  }
  const own: readonly string[] = kinds[kind]
  const others = Object.values(kinds).flat()
  const foreign = others.find((option) => !own.includes(option) && values[option] !== undefined)
  if (foreign !== undefined) throw new UsageError(`--${foreign} means nothing with ${kind}; leave it out`)
  return kind
}

async function readHeader({ header, 'header-file': file }: SpecValues): Promise<{ authentication?: Secret }> {
  if (header !== undefined && file !== undefined) throw new UsageError('give the header by --header or by --header-file, not by both')
  const option = file === undefined ? '--header' : '--header-file'
  const line = file === undefined ? header : await read(file)
  if (line === undefined) return {}
  // What was given may be the secret alone, so that it is not repeated here.
  const [, name, value] = /^\s*([^\s:]+):\s*(\S(?:.*\S)?)\s*$/.exec(line) ?? []
  if (name === undefined || value === undefined) throw new UsageError(`${option} wants one line such as "Authorization: Bearer …"`)
  return { authentication: { name, value } }
}

/** `NAME=VALUE`, or `NAME` alone for its value here: that does not show in a list of processes. */
function readVariable(given: string): [string, string] {
  const at = given.indexOf('=')
  if (at > 0) return [given.slice(0, at), given.slice(at + 1)]
  const value = process.env[given]
  if (value === undefined) throw new UsageError(`--env ${given} is not set here; set it, or write ${given}=VALUE`)
  return [given, value]
}

async function read(file: string): Promise<string> {
  return file === '-' ? await text(process.stdin) : readFileSync(file, 'utf8')
}
