import { z } from 'zod'

const oneLine = /^[^\p{Cc}]*$/u

/** Of a toolbox: the first part of its services' names, as in `shop.list-orders`. */
export const ToolboxName = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,22}[a-z0-9])?$/, 'must be 1–24 characters of a–z, 0–9 and -, beginning and ending with a letter or digit')

/**
 * Which tasks wait for a person. `changes`: those that may change something (HTTP: all but GET and HEAD; MCP: all but tools that call
 * themselves read-only; models change nothing). `always` and `never` speak for themselves.
 */
export const ToolboxApproval = z.enum(['changes', 'always', 'never'])
export type ToolboxApproval = z.infer<typeof ToolboxApproval>

/** Sent with every call, kept in the database, never shown again, and blotted out of every answer. */
const secretHeader = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, 'must be the name of an HTTP header'),
  // Shorter ones could not be blotted out of answers without spoiling them.
  value: z
    .string()
    .min(8, 'must have at least 8 characters')
    .max(8192)
    .regex(/^[\x20-\x7e]*$/, 'must be printable ASCII')
})
const serverUrl = z
  .url({ protocol: /^https?$/, error: 'must be an address that begins with http:// or https://' })
  .refine((text) => !/^https?:\/\/[^/]*@/i.test(text), 'must not carry a name or password; give them as a header')

const everyToolbox = {
  name: ToolboxName,
  approval: ToolboxApproval.default('changes'),
  /** Exceptions from `approval`, by operation or tool. */
  approvals: z.record(z.string(), z.boolean()).default({}),
  /** Only these operations (`operationId`, or `GET /path` where there is none) or tools. Absent: all. */
  only: z.array(z.string().min(1)).min(1).max(1000).optional()
}

/** Prompts over earlier results, by a model of this machine. */
export const LlmToolboxSpec = z.strictObject({
  kind: z.literal('llm'),
  ...everyToolbox,
  /** Absent: the one that is used for planning. */
  model: z.string().min(1).max(256).optional()
})
export type LlmToolboxSpec = z.infer<typeof LlmToolboxSpec>

/** An HTTP API, as its OpenAPI 3 file describes it: one service for each operation. */
export const OpenapiToolboxSpec = z.strictObject({
  kind: z.literal('openapi'),
  ...everyToolbox,
  /** The file itself, JSON or YAML. */
  document: z.string().min(1).max(8_388_608),
  /** Absent: the first server that the file names. */
  serverUrl: serverUrl.optional(),
  authentication: secretHeader.optional()
})
export type OpenapiToolboxSpec = z.infer<typeof OpenapiToolboxSpec>

/** How an MCP server is reached. `stdio` runs a program on this machine, with only `PATH` and `environment` around it. */
export const McpServer = z.discriminatedUnion('transport', [
  z.strictObject({
    transport: z.literal('stdio'),
    command: z.string().min(1).max(4096).regex(oneLine, 'must not have control characters'),
    arguments: z.array(z.string().max(8192)).max(100).default([]),
    /** May hold secrets: never shown again. */
    environment: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of a variable'), z.string().max(8192)).default({}),
    folder: z.string().startsWith('/', 'must be an absolute path').optional()
  }),
  z.strictObject({ transport: z.literal('http'), url: serverUrl, authentication: secretHeader.optional() })
])
export type McpServer = z.infer<typeof McpServer>

export const McpToolboxSpec = z.strictObject({ kind: z.literal('mcp'), ...everyToolbox, server: McpServer })
export type McpToolboxSpec = z.infer<typeof McpToolboxSpec>

/** What an administrator adds to a project. Adding it is what allows it: nothing else is ever called or run. */
export const ToolboxSpec = z.discriminatedUnion('kind', [LlmToolboxSpec, OpenapiToolboxSpec, McpToolboxSpec])
export type ToolboxSpec = z.infer<typeof ToolboxSpec>

/** An operation or tool that cannot be offered as a service. */
export const SkippedTool = z.object({ operation: z.string(), reason: z.string() })
export type SkippedTool = z.infer<typeof SkippedTool>

/** A toolbox as it may be shown, without its secrets. Times are Unix milliseconds. */
export const Toolbox = z.object({
  /** `t_` and 22 characters. */
  id: z.string(),
  projectId: z.string(),
  kind: z.enum(['llm', 'openapi', 'mcp']),
  name: z.string(),
  approval: ToolboxApproval,
  /** The address or the command; of models, their id. */
  target: z.string(),
  services: z.array(z.object({ id: z.string(), name: z.string(), operation: z.string(), approval: z.boolean(), healthy: z.boolean() })),
  skipped: z.array(SkippedTool),
  /** What was left out or narrowed of the services that are offered. */
  notes: z.array(z.string()),
  /** The MCP server now describes its tools otherwise than when they were allowed: look at it, and refresh the toolbox to go with it. */
  outdated: z.boolean(),
  addedAt: z.number(),
  /** Id of the key. */
  addedBy: z.string()
})
export type Toolbox = z.infer<typeof Toolbox>
