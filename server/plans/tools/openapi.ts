import type { Json, JsonObject } from '#contracts/plan.ts'
import type { OpenapiToolboxSpec } from '#contracts/plan-tools.ts'
import { AppError } from '../../errors.ts'
import { version } from '../../version.ts'
import type { Fetch } from './guarded-fetch.ts'
import { callHttp, type HttpAnswer, secretsOf } from './http-call.ts'
import { toHttpRequest } from './http-request.ts'
import { isObject } from './json-pointer.ts'
import type { OfferedTools } from './offered-tools.ts'
import { readOpenapi, serverOf } from './openapi-document.ts'
import { type AnswerForm, type CompiledOperation, compileOperation } from './openapi-operation.ts'
import { excerptOf } from './tool.ts'
import { toolName } from './tool-name.ts'

/**
 * One tool for each operation of an OpenAPI file that can be called with JSON. Throws `invalid_request` for a file that cannot be used.
 * The same file always gives the same tools.
 */
export function createOpenapiTools(spec: OpenapiToolboxSpec, { fetch }: { fetch: Fetch }): OfferedTools {
  const { root, operations } = readOpenapi(spec.document)
  const target = serverOf(root, spec.serverUrl)
  const offered: OfferedTools = { operations: operations.map(({ id }) => id), tools: [], skipped: [], notes: [], target }
  const taken = new Set<string>()
  for (const described of operations) {
    const { id, operation, method } = described
    if (spec.only !== undefined && !spec.only.includes(id)) continue
    const notes: string[] = []
    try {
      const compiled = compileOperation(root, described, notes, spec.authentication?.name)
      const name = toolName(spec.name, id, taken)
      taken.add(name)
      const about = [operation['summary'], operation['description']].filter((text) => typeof text === 'string' && text.trim() !== '')
      offered.tools.push({
        operation: id,
        name,
        description: excerptOf(about.join('. '), 1000) || id,
        input: compiled.input,
        output: compiled.output,
        approval: spec.approvals[id] ?? (spec.approval === 'always' || (spec.approval === 'changes' && method !== 'GET' && method !== 'HEAD')),
        isHealthy: () => true,
        run: (call, signal) => run(compiled, target, spec, fetch, call, signal)
      })
      offered.notes.push(...notes.map((note) => `${id}: ${note}`))
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      offered.skipped.push({ operation: id, reason: error.message })
    }
  }
  return offered
}

async function run(
  { http, answer }: CompiledOperation,
  server: string,
  { authentication }: OpenapiToolboxSpec,
  fetch: Fetch,
  call: { input: JsonObject; idempotencyKey: string },
  signal: AbortSignal
): Promise<JsonObject> {
  const request = toHttpRequest(server, http, call.input)
  request.headers.push(['accept', 'application/json, */*;q=0.5'], ['user-agent', `outpost/${version}`], ['idempotency-key', call.idempotencyKey])
  if (authentication !== undefined) request.headers.push([authentication.name, authentication.value])
  return toOutput(answer, await callHttp(request, { fetch, secrets: secretsOf(authentication), signal }), `${http.method} ${request.url.pathname}`)
}

function toOutput(form: AnswerForm, { status, contentType, text }: HttpAnswer, where: string): JsonObject {
  if (form === 'status') return { status }
  if (form === 'text') return { result: text }
  if (text.trim() === '') return form === 'object' ? {} : { result: null }
  const value = parseJson(text)
  // What it is counts, not what it calls itself.
  if (value === undefined) {
    throw new AppError(
      'invalid_output',
      `${where} answered ${status} with ${contentType || 'no content type'}, which is not JSON: ${excerptOf(text, 200)}`
    )
  }
  if (form === 'wrapped') return { result: value }
  if (isObject(value)) return value as JsonObject // It comes from JSON.
  throw new AppError('invalid_output', `${where} answered ${Array.isArray(value) ? 'a list' : typeof value}, and its description says an object`)
}

function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
