import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Shape, shapes, toModelAnswer } from './shapes.ts'

export type ModelEndpoint = { url: string; calls(): number }

/**
 * A model behind an OpenAI endpoint that answers after `delayMs` with the plan of the action that it finds in the prompt, and counts how often it
 * was asked. `services`: the ids of those who carry the tasks out.
 */
export async function startModelEndpoint(services: () => string[], delayMs: () => number): Promise<ModelEndpoint> {
  let calls = 0
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece)
    if (!request.url?.endsWith('/chat/completions')) {
      response.writeHead(404).end()
      return
    }
    calls++
    const body = JSON.parse(Buffer.concat(pieces).toString())
    const prompt: string = body.messages.map(({ content }: { content: string }) => content).join('\n')
    const content = toModelAnswer(shapeIn(prompt), services())
    if (delayMs() > 0) await new Promise((resolve) => setTimeout(resolve, delayMs()))
    const base = { id: `chat-${calls}`, created: 0, model: body.model }
    if (body.stream === true) {
      const chunk = {
        ...base,
        object: 'chat.completion.chunk',
        choices: [{ index: 0, delta: { role: 'assistant', content }, finish_reason: 'stop' }]
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`)
      return
    }
    const answer = {
      ...base,
      object: 'chat.completion',
      choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, calls: () => calls } // It listens on TCP.
}

/** The one named last: an example of a similar plan may come before. */
function shapeIn(prompt: string): Shape {
  const found = Object.values(shapes).sort((a, b) => prompt.lastIndexOf(b.action) - prompt.lastIndexOf(a.action))[0]
  if (found === undefined || !prompt.includes(found.action)) throw new Error('the prompt has no action that this endpoint knows')
  return found
}
