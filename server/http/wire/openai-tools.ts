import { z } from 'zod'
import { JsonSchema, limits, type ResponseFormat, type Tool, type ToolChoice } from '#contracts/chat.ts'
import { AppError } from '../../errors.ts'

const nameRule = 'must be 1–64 characters of A–Z a–z 0–9 _ . -'
const toolName = z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, nameRule)
const namedTool = z.looseObject({ type: z.literal('function'), function: z.looseObject({ name: z.string() }) })

const OpenAiTool = z.discriminatedUnion(
  'type',
  [
    z.looseObject({
      type: z.literal('function'),
      function: z.looseObject({
        name: toolName,
        description: z.string().nullish(),
        parameters: JsonSchema.nullish(),
        strict: z.boolean().nullish()
      })
    })
  ],
  'must be "function"'
)

const toolChoiceRule = 'must be "none", "auto", "required" or an object that names a function'
const OpenAiToolChoice = z.union(
  [
    z.enum(['none', 'auto', 'required'], toolChoiceRule),
    z.discriminatedUnion(
      'type',
      [
        namedTool,
        z.looseObject({
          type: z.literal('allowed_tools'),
          allowed_tools: z.looseObject({ mode: z.enum(['auto', 'required']), tools: z.array(namedTool) })
        })
      ],
      'must be "function" or "allowed_tools"'
    )
  ],
  toolChoiceRule
)

export const toolFields = {
  tools: z.array(OpenAiTool).max(limits.tools, `must have at most ${limits.tools} tools`).nullish(),
  tool_choice: OpenAiToolChoice.nullish(),
  parallel_tool_calls: z.boolean().nullish()
}
const ToolFields = z.object(toolFields)

/** Throws `invalid_request` when the choice names a tool that was not given. */
export function toTools(body: z.infer<typeof ToolFields>): { tools: Tool[]; toolChoice: ToolChoice; parallelToolCalls: boolean } {
  const tools = (body.tools ?? []).map(
    ({ function: { name, description, parameters, strict } }): Tool => ({
      name,
      ...(description == null ? {} : { description }),
      parameters: parameters ?? { type: 'object', properties: {} },
      strict: strict ?? false
    })
  )
  const names = new Set<string>()
  for (const [i, { name }] of tools.entries()) {
    if (names.has(name)) throw wrong(`tools.${i}.function.name`, `must differ from the other tools', got ${JSON.stringify(name)} again`)
    names.add(name)
  }
  const parallelToolCalls = body.parallel_tool_calls ?? true
  const choice = body.tool_choice
  if (choice == null) return { tools, toolChoice: { type: 'auto' }, parallelToolCalls }
  if (typeof choice === 'string') {
    if (choice === 'required' && tools.length === 0) throw wrong('tool_choice', 'must not be "required" without tools')
    return { tools, toolChoice: { type: choice }, parallelToolCalls }
  }
  if (choice.type === 'function') {
    requireTool(names, choice.function.name, 'tool_choice.function.name')
    return { tools, toolChoice: { type: 'tool', name: choice.function.name }, parallelToolCalls }
  }
  const allowed = choice.allowed_tools.tools.map((tool, i) => {
    requireTool(names, tool.function.name, `tool_choice.allowed_tools.tools.${i}.function.name`)
    return tool.function.name
  })
  if (choice.allowed_tools.mode === 'required' && allowed.length === 0)
    throw wrong('tool_choice.allowed_tools.tools', 'must have at least 1 entry when one is required')
  return { tools: tools.filter(({ name }) => allowed.includes(name)), toolChoice: { type: choice.allowed_tools.mode }, parallelToolCalls }
}

export const OpenAiResponseFormat = z.discriminatedUnion(
  'type',
  [
    z.looseObject({ type: z.literal('text') }),
    z.looseObject({ type: z.literal('json_object') }),
    z.looseObject({ type: z.literal('json_schema'), json_schema: z.looseObject({ name: z.string().nullish(), schema: JsonSchema }) })
  ],
  'must be one of "text", "json_object", "json_schema"'
)

export function toResponseFormat(format: z.infer<typeof OpenAiResponseFormat> | null | undefined): ResponseFormat {
  if (format?.type === 'json_schema') return { type: 'json-schema', schema: format.json_schema.schema }
  return { type: format?.type === 'json_object' ? 'json' : 'text' }
}

function requireTool(names: Set<string>, name: string, param: string): void {
  if (!names.has(name)) throw wrong(param, `must be one of the tools, got ${JSON.stringify(name.slice(0, 64))}`)
}

function wrong(param: string, rule: string): AppError {
  return new AppError('invalid_request', `${param} ${rule}`, { param })
}
