import type { Json, JsonObject } from '#contracts/plan.ts'
import type { Tool } from '../../../server/plans/tools/tool.ts'

let calls = 0

/** Calls a tool as the host does. */
export function callTool(
  tool: Tool | undefined,
  input: JsonObject,
  { signal, interim = () => {} }: { signal?: AbortSignal; interim?: (data: Json) => void } = {}
) {
  if (tool === undefined) throw new Error('there is no such tool')
  const id = `e_${calls++}`
  const call = { input, planId: 'o_1', executionId: id, idempotencyKey: `key-${id}`, interim }
  return tool.run(call, signal ?? new AbortController().signal)
}
