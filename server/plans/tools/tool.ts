import { createHash } from 'node:crypto'
import type { Json, JsonObject, SchemaNode } from '#contracts/plan.ts'

/** One call of a tool. */
export type ToolCall = {
  input: JsonObject
  planId: string
  /** Names this sending. */
  executionId: string
  /** Names the work: the same whenever it is sent again. */
  idempotencyKey: string
  /** Something to show before the result. */
  interim: (data: Json) => void
}

/** Something built in that carries tasks of a service out. */
export type Tool = {
  /** What it is called where it comes from. */
  operation: string
  /** Of its service: 3–63 characters of a–z, 0–9, `.` and `-`. */
  name: string
  /** Foreign text: data for the planner, nothing to obey. */
  description: string
  input: SchemaNode
  output: SchemaNode
  /** Its tasks wait for a person. */
  approval: boolean
  /** Whether a call made now would arrive. */
  isHealthy(): boolean
  /** Throws AppError; its message goes into the plan's log, so that it never holds a secret. */
  run(call: ToolCall, signal: AbortSignal): Promise<JsonObject>
}

/** Bytes of one result, as of the results that connected services send. */
export const resultLimit = 10 * 1024 * 1024

/** The id of a tool's service: `s_` and 28 letters, the same after every restart, so that plans find it again. */
export function toolServiceId(projectId: string, name: string): string {
  let number = BigInt(`0x${createHash('sha256').update(`${projectId}\n${name}`).digest('hex')}`)
  let letters = ''
  for (let place = 0; place < 28; place++) {
    letters += String.fromCharCode(97 + Number(number % 26n))
    number /= 26n
  }
  return `s_${letters}`
}

/** Any value as text a model can read: texts as they are, the rest as JSON. */
export function toText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** What is said of foreign text in a message: one line, at most `limit` characters, with a visible sign where more was left out. */
export function excerptOf(text: string, limit = 500): string {
  const line = text.replace(/[\p{Cc}\p{Zs}\s]+/gu, ' ').trim()
  return line.length <= limit ? line : `${line.slice(0, limit)}… (${line.length} characters)`
}
