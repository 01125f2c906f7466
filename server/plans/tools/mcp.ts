import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/client'
import { JsonObject, type SchemaNode } from '#contracts/plan.ts'
import type { McpToolboxSpec } from '#contracts/plan-tools.ts'
import { AppError } from '../../errors.ts'
import { fromJsonSchema } from './from-json-schema.ts'
import { blotOut, secretsOf } from './http-call.ts'
import type { McpConnection, McpTool } from './mcp-connection.ts'
import type { OfferedTools } from './offered-tools.ts'
import { excerptOf, type Tool, type ToolCall } from './tool.ts'
import { toolName } from './tool-name.ts'

/** Days: the task's own signal ends it. The client's default would end every call after a minute. */
const longestCallMs = 2 ** 31 - 1

/** How the answer becomes the output. `text`: the server says nothing of its form. */
type AnswerForm = 'structured' | 'wrapped' | 'text'

/** The tools of an MCP server, as `described` when they were allowed: what the server says later changes nothing of them. */
export function createMcpTools(spec: McpToolboxSpec, described: readonly McpTool[], connection: McpConnection): OfferedTools {
  const { server } = spec
  // Addresses of some servers carry a key in their query.
  const target = server.transport === 'stdio' ? server.command : server.url.replace(/[?#].*$/s, '')
  const offered: OfferedTools = { operations: described.map(({ name }) => name), tools: [], skipped: [], notes: [], target }
  const taken = new Set<string>()
  for (const tool of described) {
    const { name: operation } = tool
    if (spec.only !== undefined && !spec.only.includes(operation)) continue
    const notes: string[] = []
    try {
      const input = toInputNode(tool, notes)
      const { output, form } = toOutputNode(tool, notes)
      const name = toolName(spec.name, operation, taken)
      taken.add(name)
      const changes = tool.annotations?.readOnlyHint !== true
      offered.tools.push({
        operation,
        name,
        description: excerptOf(tool.description || tool.title || operation, 1000),
        input,
        output,
        approval: spec.approvals[operation] ?? (spec.approval === 'always' || (spec.approval === 'changes' && changes)),
        isHealthy: () => connection.isConnected,
        run: (call, signal) => run(spec, tool, form, connection, call, signal)
      } satisfies Tool)
      offered.notes.push(...notes.map((note) => `${operation}: ${note}`))
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      offered.skipped.push({ operation, reason: error.message })
    }
  }
  return offered
}

function toInputNode({ inputSchema }: McpTool, notes: string[]): SchemaNode {
  const node = fromJsonSchema({ type: 'object', ...inputSchema }, { root: inputSchema, use: 'input', place: 'input', notes })
  if (node.type === 'object') return node
  throw new AppError('unsupported_schema', `its input must be an object, got ${node.type}`)
}

function toOutputNode({ outputSchema }: McpTool, notes: string[]): { output: SchemaNode; form: AnswerForm } {
  const text: SchemaNode = { type: 'object', properties: { text: { type: 'string', description: 'The answer, as text.' } }, required: ['text'] }
  if (outputSchema === undefined) return { output: text, form: 'text' }
  try {
    const node = fromJsonSchema(outputSchema, { root: outputSchema, use: 'output', place: 'output', notes })
    if (node.type === 'object' && Object.keys(node.properties ?? {}).length > 0) return { output: node, form: 'structured' }
    return { output: { type: 'object', properties: { result: node }, required: ['result'] }, form: 'wrapped' }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    notes.push(`${error.message}; the answer is given as text`)
    return { output: text, form: 'text' }
  }
}

async function run(
  { server }: McpToolboxSpec,
  tool: McpTool,
  form: AnswerForm,
  connection: McpConnection,
  { input, idempotencyKey, interim }: ToolCall,
  signal: AbortSignal
): Promise<JsonObject> {
  const secrets = server.transport === 'http' ? secretsOf(server.authentication) : []
  const result = await connection.use((client) =>
    client.callTool(
      // For servers that know it: the same work has the same key whenever it is asked for again.
      { name: tool.name, arguments: input, _meta: { 'outpost/idempotency-key': idempotencyKey } },
      {
        signal,
        timeout: longestCallMs,
        onprogress: ({ progress, total, message }) => {
          interim({
            progress,
            ...(total === undefined ? {} : { total }),
            ...(message === undefined ? {} : { message: excerptOf(blotOut(message, secrets), 2000) })
          })
        }
      }
    )
  )
  const text = toText(result.content)
  if (result.isError === true) {
    throw new AppError('engine_failed', `${tool.name} answered with an error: ${excerptOf(blotOut(text, secrets), 2000) || '(nothing)'}`)
  }
  return JsonObject.parse(JSON.parse(blotOut(JSON.stringify(toOutput(result, form, text)), secrets)))
}

function toOutput({ structuredContent }: CallToolResult, form: AnswerForm, text: string): unknown {
  if (form === 'text') return { text }
  if (structuredContent === undefined) throw new AppError('invalid_output', 'the MCP server left out the structured result that it promises')
  return form === 'wrapped' ? { result: structuredContent } : structuredContent
}

/** Blocks in their order. What is no text is named, so that nothing is missing in silence. */
function toText(content: readonly ContentBlock[]): string {
  return content
    .map((block) => {
      switch (block.type) {
        case 'text':
          return block.text
        case 'resource':
          return 'text' in block.resource ? block.resource.text : `[${block.resource.mimeType ?? 'data'} at ${block.resource.uri}, which is no text]`
        case 'resource_link':
          return block.uri
        default:
          return `[${block.type} ${block.mimeType}, which is no text]`
      }
    })
    .join('\n')
}
