import type { Tool, ToolChoice } from '#contracts/chat.ts'
import { AppError } from '../../errors.ts'
import { literal } from './grammar/gbnf.ts'
import { anyJsonObject, type CompiledSchema, compileJsonSchema, schemaRules } from './json-schema-grammar.ts'

/** How a call looks in the text of a model; read by the answer parser. */
export type CallSyntax = {
  /** Markers that open a call or a list of calls. `''`: the call's own brace opens it. */
  opens: string[]
  /** Marker after a call; a model that leaves it out is forgiven. */
  close: string
  /** Calls count only where no answer text came before. */
  onlyAtStart: boolean
  /**
   * `object`: `{"name": …, "arguments": …}`; `list`: a JSON array of such objects;
   * `named`: `name[ARGS]{…}`.
   */
  shape: 'object' | 'list' | 'named'
  /** A call without arguments is a call, too. Not where any JSON answer with a `name` would look the same. */
  argumentsOptional: boolean
}

/** The way one family of models writes tool calls. */
export type ToolFormat = {
  id: string
  /** The text with which a call starts; seen in a free answer, the rest is to be held to `callGrammar`. */
  trigger: string
  /** The chat template renders `tools` itself; otherwise `systemPrompt` must go into the system message. */
  nativeTemplate: boolean
  syntax: CallSyntax
  /** Describes the tools and the form of a call; empty where the template does it. */
  systemPrompt(tools: Tool[], choice: ToolChoice, parallel: boolean): string
  /**
   * GBNF whose `root` is one call (`parallel`: one or more) from the trigger on.
   * Arguments follow `parameters` where that compiles; else a strict tool throws `unsupported_schema`, another one gets any JSON object.
   */
  callGrammar(tools: Tool[], options: { parallel: boolean }): string
}

/** Calls in one answer. A small model that must call may otherwise go on calling until its window is full. */
const mostCalls = 16

/** Finds the format in the text of a chat template (Jinja). A template without one of the known formats gets ours, described in the system prompt. */
export function pickToolFormat(template: string | undefined): ToolFormat {
  if (template === undefined || !template.includes('tools')) return describedHermes
  if (template.includes('[TOOL_CALLS]')) return template.includes('[ARGS]') ? mistralNamed : mistral
  // Qwen3-Coder and others keep the tag, but write XML in it.
  if (template.includes('<tool_call>') && !/<function=|<arg_key>/.test(template)) return hermes
  if (template.includes('<|start_header_id|>') && template.includes('"parameters"')) return llama3
  return describedHermes
}

/** The tools that `choice` leaves. Throws `invalid_request` when it names none of them. */
export function chosenTools(tools: Tool[], choice: ToolChoice): Tool[] {
  if (choice.type === 'none') return []
  if (choice.type !== 'tool') return tools
  const chosen = tools.filter((tool) => tool.name === choice.name)
  if (chosen.length === 0) {
    throw new AppError('invalid_request', `tool_choice names the tool ${choice.name}, which is not in tools`, { param: 'tool_choice' })
  }
  return chosen
}

/** Grammar and check of a tool's arguments, an object in any case. Throws `unsupported_schema` only for a strict tool. */
export function compileToolParameters(tool: Tool): CompiledSchema {
  return withParameters(tool, (schema) => (schema === undefined ? anyJsonObject() : compileJsonSchema(schema)))
}

function withParameters<T>(tool: Tool, compile: (schema: Tool['parameters'] | undefined) => T): T {
  try {
    return compile('type' in tool.parameters ? tool.parameters : { ...tool.parameters, type: 'object' })
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'unsupported_schema') throw error
    if (!tool.strict) return compile(undefined)
    throw new AppError('unsupported_schema', `tool ${tool.name}: ${error.message}`, { param: 'tools', cause: error })
  }
}

/** One rule for each tool, `call-0 …`, whose arguments rule is embedded under a name of its own. */
function callRules(tools: Tool[], write: (tool: Tool, argumentsRule: string) => string): string[] {
  return tools.map((tool, index) => {
    const rule = `args-${index}`
    const rules = withParameters(tool, (schema) => schemaRules(schema ?? { type: 'object' }, rule))
    return `call-${index} ::= ${write(tool, rule)}\n${rules}`
  })
}

function assemble(root: string, tools: Tool[], write: (tool: Tool, argumentsRule: string) => string): string {
  if (tools.length === 0) throw new AppError('internal_error', 'a grammar of tool calls needs at least one tool')
  const calls = callRules(tools, write)
  return `root ::= ${root}\ncall ::= ${tools.map((_, index) => `call-${index}`).join(' | ')}\n${calls.join('\n')}\n`
}

function objectCall(argumentsKey: string) {
  return (tool: Tool, rule: string) => `${literal(`{"name": "${tool.name}", "${argumentsKey}": `)} ${rule} ${literal('}')}`
}

const hermesTrigger = '<tool_call>'
const hermes: ToolFormat = {
  id: 'hermes',
  trigger: hermesTrigger,
  nativeTemplate: true,
  syntax: { opens: [hermesTrigger], close: '</tool_call>', onlyAtStart: false, shape: 'object', argumentsOptional: true },
  systemPrompt: () => '',
  callGrammar(tools, { parallel }) {
    const rest = `${literal('\n')} call ${literal('\n</tool_call>')}`
    const more = parallel ? ` (${literal(`\n${hermesTrigger}`)} ${rest}){0,${mostCalls - 1}}` : ''
    return assemble(`${literal(hermesTrigger)} ${rest}${more}`, tools, objectCall('arguments'))
  }
}

const describedHermes: ToolFormat = {
  ...hermes,
  id: 'hermes-described',
  nativeTemplate: false,
  systemPrompt(tools, choice, parallel) {
    const offered = chosenTools(tools, choice)
    if (offered.length === 0) return ''
    const lines = offered.map((tool) => JSON.stringify({ name: tool.name, description: tool.description, parameters: tool.parameters }))
    const duty = {
      auto: 'Call a tool when it helps to answer; otherwise answer in plain words.',
      required: 'You must call a tool now.',
      tool: `You must call the tool ${offered[0]?.name} now.`,
      none: ''
    }[choice.type]
    return [
      'You can call these tools. Each line describes one: its name, what it does, and the JSON schema of its arguments.',
      '<tools>',
      ...lines,
      '</tools>',
      'To call a tool, write exactly this, with the name of the tool and a JSON object of arguments:',
      '<tool_call>',
      '{"name": "tool name", "arguments": {"argument": "value"}}',
      '</tool_call>',
      parallel ? 'To call several tools, write one such block after the other.' : 'Write one such block at most.',
      `${duty} The result comes back in a message between <tool_response> and </tool_response>.`
    ].join('\n')
  }
}

const llama3: ToolFormat = {
  id: 'llama3',
  trigger: '{"name":',
  nativeTemplate: true,
  syntax: { opens: ['<|python_tag|>', ''], close: '', onlyAtStart: true, shape: 'object', argumentsOptional: false },
  systemPrompt: () => '',
  callGrammar(tools, { parallel }) {
    const write = (tool: Tool, rule: string) => `${literal(` "${tool.name}", "parameters": `)} ${rule} ${literal('}')}`
    const more = parallel ? ` (${literal('; {"name":')} call){0,${mostCalls - 1}}` : ''
    return assemble(`${literal('{"name":')} call${more}`, tools, write)
  }
}

const mistralTrigger = '[TOOL_CALLS]'
const mistral: ToolFormat = {
  id: 'mistral',
  trigger: mistralTrigger,
  nativeTemplate: true,
  syntax: { opens: [mistralTrigger], close: '', onlyAtStart: false, shape: 'list', argumentsOptional: true },
  systemPrompt: () => '',
  callGrammar(tools, { parallel }) {
    const more = parallel ? ` (${literal(', ')} call){0,${mostCalls - 1}}` : ''
    return assemble(`${literal(mistralTrigger)} ${literal(' ')}? ${literal('[')} call${more} ${literal(']')}`, tools, objectCall('arguments'))
  }
}

const mistralNamed: ToolFormat = {
  ...mistral,
  id: 'mistral-named',
  syntax: { ...mistral.syntax, shape: 'named' },
  callGrammar(tools, { parallel }) {
    const more = parallel ? ` (${literal(mistralTrigger)} call){0,${mostCalls - 1}}` : ''
    return assemble(`${literal(mistralTrigger)} call${more}`, tools, (tool, rule) => `${literal(`${tool.name}[ARGS]`)} ${rule}`)
  }
}
