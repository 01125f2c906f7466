import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Ending, onEnd } from './on-end.ts'

/** A plan as the original's prompt asks a model for it: task0 with constants, tasks with a service and references, or a `final` task that says why not. */
export type DraftPlan = {
  tasks: { id: string; service?: string; input: Record<string, unknown> }[]
  parallel_groups?: string[][]
}

/** `LLM_API_BASE_URL` of a server under test. */
export type PlanningEndpoint = { url: string; readonly calls: number }

/**
 * A model behind an OpenAI endpoint: answers each prompt with the plan that `toPlan` gives, in a fence, and counts how often it was asked. What it
 * throws is answered with 500.
 */
export async function startPlanningEndpoint(t: Ending, toPlan: (prompt: string) => DraftPlan | Promise<DraftPlan>): Promise<PlanningEndpoint> {
  let calls = 0
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece)
    if (!request.url?.endsWith('/chat/completions')) {
      response.writeHead(404).end()
      return
    }
    calls++
    try {
      const { model, messages, stream } = JSON.parse(Buffer.concat(pieces).toString())
      const plan = await toPlan(messages.map(({ content }: { content: string }) => content).join('\n'))
      const { type, text } = toAnswer(`chat-${calls}`, model, `\`\`\`json\n${JSON.stringify(plan)}\n\`\`\``, stream === true)
      response.writeHead(200, { 'content-type': type }).end(text)
    } catch (error) {
      response.writeHead(500, { 'content-type': 'application/json' }).end(JSON.stringify({ error: { message: String(error) } }))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onEnd(t, () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, // It listens on TCP.
    get calls() {
      return calls
    }
  }
}

function toAnswer(id: string, model: string, content: string, isStream: boolean): { type: string; text: string } {
  const base = { id, created: 0, model }
  if (isStream) {
    const chunk = { ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta: { role: 'assistant', content }, finish_reason: 'stop' }] }
    return { type: 'text/event-stream', text: `data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n` }
  }
  const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }]
  const usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }
  return { type: 'application/json', text: JSON.stringify({ ...base, object: 'chat.completion', choices, usage }) }
}
