import assert from 'node:assert/strict'
import type { z } from 'zod'
import { endpoints } from '#contracts/api.ts'
import type { chatEndpoints } from '#contracts/chats-api.ts'
import type { Endpoint } from '#contracts/endpoint.ts'

type Table = typeof chatEndpoints
type Name = keyof Table
type Reply<Called extends Name> = Table[Called]['reply'] extends z.ZodType ? z.output<Table[Called]['reply']> : never
type Input = { id?: string; message?: string; query?: string; body?: unknown; headers?: Record<string, string> }

/** Calls the chat's endpoints by name. Answers are held against their contracts. */
export function createChatClient(url: string, headers: Record<string, string> = {}) {
  const response = (name: Name, input: Input = {}): Promise<Response> => {
    const { method, path, body: takes }: Endpoint = endpoints[name]
    const where = path.replace(':id', input.id ?? '').replace(':message', input.message ?? '')
    const payload =
      input.body === undefined ? {} : { body: takes === 'bytes' ? (input.body as string | Uint8Array<ArrayBuffer>) : JSON.stringify(input.body) }
    return fetch(`${url}${where}${input.query ?? ''}`, {
      method,
      headers: { ...(input.body === undefined ? {} : { 'content-type': 'application/json' }), ...headers, ...input.headers },
      ...payload
    })
  }
  const call = async <Called extends Name>(name: Called, input: Input = {}): Promise<Reply<Called>> => {
    const answer = await response(name, input)
    const text = await answer.text()
    const { status, reply }: Endpoint = endpoints[name]
    assert.equal(answer.status, status ?? 200, text)
    assert.ok(typeof reply === 'object')
    return reply.parse(JSON.parse(text)) as Reply<Called> // Parsed by the schema that the type is made of.
  }
  return {
    response,
    call,
    status: async (name: Name, input: Input = {}) => {
      const answer = await response(name, input)
      await answer.body?.cancel()
      return answer.status
    },
    upload: (name: string, body: string | Uint8Array<ArrayBuffer>, type = 'text/plain') =>
      call('uploadAttachment', { query: `?name=${encodeURIComponent(name)}`, body, headers: { 'content-type': type } })
  }
}
