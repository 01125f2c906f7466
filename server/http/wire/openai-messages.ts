import { z } from 'zod'
import type { Content, ContentPart, Message } from '#contracts/chat.ts'
import { AppError } from '../../errors.ts'

const textPart = z.looseObject({ type: z.literal('text'), text: z.string() })
const refusalPart = z.looseObject({ type: z.literal('refusal'), refusal: z.string() })
const imagePart = z.looseObject({ type: z.literal('image_url'), image_url: z.looseObject({ url: z.string() }) })

const partTypes = (...names: string[]) => `must be one of ${names.map((name) => JSON.stringify(name)).join(', ')}`
const contentRule = 'must be a string or an array of content parts'
const partsRule = 'must have at least 1 content part'
const textContent = z.union([z.string(), z.array(z.discriminatedUnion('type', [textPart], partTypes('text'))).min(1, partsRule)], contentRule)
const userContent = z.union(
  [z.string(), z.array(z.discriminatedUnion('type', [textPart, imagePart], partTypes('text', 'image_url'))).min(1, partsRule)],
  contentRule
)
const assistantContent = z.union(
  [z.string(), z.array(z.discriminatedUnion('type', [textPart, refusalPart], partTypes('text', 'refusal')))],
  contentRule
)

const toolCall = z.looseObject({
  id: z.string(),
  type: z.literal('function').default('function'),
  function: z.looseObject({ name: z.string(), arguments: z.string() })
})

/** OpenAI's messages, as far as a text model can take them. */
export const OpenAiMessage = z.discriminatedUnion(
  'role',
  [
    z.looseObject({ role: z.enum(['system', 'developer']), content: textContent }),
    z.looseObject({ role: z.literal('user'), content: userContent }),
    z.looseObject({
      role: z.literal('assistant'),
      content: assistantContent.nullish(),
      refusal: z.string().nullish(),
      reasoning_content: z.string().nullish(),
      reasoning: z.string().nullish(),
      tool_calls: z.array(toolCall).nullish()
    }),
    z.looseObject({ role: z.literal('tool'), tool_call_id: z.string(), content: textContent })
  ],
  'must be one of "system", "developer", "user", "assistant", "tool"'
)
export type OpenAiMessage = z.infer<typeof OpenAiMessage>

/** Throws `unsupported_feature` for an image that is not in the message itself. */
export function toMessages(messages: OpenAiMessage[]): Message[] {
  return messages.map(toMessage)
}

function toMessage(message: OpenAiMessage, i: number): Message {
  if (message.role === 'assistant') return toAssistant(message, i)
  const content = toContent(message.content, i)
  if (message.role === 'tool') return { role: 'tool', toolCallId: message.tool_call_id, content }
  return { role: message.role === 'user' ? 'user' : 'system', content }
}

function toAssistant(message: Extract<OpenAiMessage, { role: 'assistant' }>, i: number): Message {
  const reasoning = message.reasoning_content ?? message.reasoning
  return {
    role: 'assistant',
    content: toContent(message.content ?? message.refusal ?? '', i),
    ...(reasoning == null ? {} : { reasoning }),
    ...(message.tool_calls == null || message.tool_calls.length === 0
      ? {}
      : { toolCalls: message.tool_calls.map((call) => ({ id: call.id, name: call.function.name, arguments: call.function.arguments })) })
  }
}

type Part = z.infer<typeof textPart> | z.infer<typeof refusalPart> | z.infer<typeof imagePart>

function toContent(content: string | Part[], i: number): Content {
  if (typeof content === 'string') return content
  const parts = content.map((part, j): ContentPart => {
    if (part.type === 'text') return { type: 'text', text: part.text }
    if (part.type === 'refusal') return { type: 'text', text: part.refusal }
    return toImage(part.image_url.url, `messages.${i}.content.${j}.image_url.url`)
  })
  const [first] = parts
  if (first === undefined) return ''
  return parts.length === 1 && first.type === 'text' ? first.text : parts
}

/** Only images that came along: fetching an address a client names would let it reach into the server's own network. */
function toImage(url: string, param: string): ContentPart {
  const match = /^data:(image\/[a-z0-9.+-]{1,40});base64,/i.exec(url)
  if (match === null) {
    throw new AppError('unsupported_feature', `${param} must be a data: URL with a base64 image; images are not fetched from other addresses`, {
      param
    })
  }
  const data = url.slice(match[0].length)
  if (data === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(data)) {
    throw new AppError('invalid_request', `${param} must hold base64, got something else after the comma`, { param })
  }
  return { type: 'image', mediaType: (match[1] as string).toLowerCase(), data } // Group 1 is not optional.
}
