import type { ChatRequest, Content, Message, ToolCall } from '#contracts/chat.ts'
import { AppError } from '../../errors.ts'
import type { TemplateInput, TemplateMessage, TemplateTool } from './chat-template.ts'
import { chosenTools, type ToolFormat } from './tool-format.ts'

/**
 * Our request → the input of a chat template. With a format the template does not know itself, tools go into the system message, calls into the
 * assistant's text and results into user messages, in the words of that format.
 */
export function toTemplateInput(request: ChatRequest, format: ToolFormat, protect: (text: string) => string): TemplateInput {
  const tools = chosenTools(request.tools, request.toolChoice)
  const hasCalls = request.messages.some(
    (message) => message.role === 'tool' || (message.role === 'assistant' && (message.toolCalls?.length ?? 0) > 0)
  )
  const toText = (content: Content, at: number) => protect(contentText(content, at))
  if (!format.nativeTemplate && (tools.length > 0 || hasCalls)) {
    const described = format.systemPrompt(tools, request.toolChoice, request.parallelToolCalls)
    return { messages: withSystem(describedMessages(request.messages, toText), described) }
  }
  const messages = request.messages.map((message, at) => nativeMessage(message, toText(message.content, at), request.messages, format, protect))
  return { messages, tools: tools.length > 0 ? tools.map(toTemplateTool) : undefined }
}

/** Throws `unsupported_feature` for an image. */
function contentText(content: Content, at: number): string {
  if (typeof content === 'string') return content
  return content
    .map((part, index) => {
      if (part.type === 'text') return part.text
      throw new AppError('unsupported_feature', 'this model reads text only; send the message without images', {
        param: `messages.${at}.content.${index}`
      })
    })
    .join('\n')
}

function nativeMessage(message: Message, content: string, all: Message[], format: ToolFormat, protect: (text: string) => string): TemplateMessage {
  switch (message.role) {
    case 'system':
    case 'user':
      return { role: message.role, content }
    case 'tool':
      return { role: 'tool', content, tool_call_id: toCallId(message.toolCallId, format), name: nameOfCall(all, message.toolCallId) }
    case 'assistant': {
      const result: TemplateMessage = { role: 'assistant', content }
      if (message.reasoning !== undefined) result.reasoning_content = protect(message.reasoning)
      if (message.toolCalls !== undefined && message.toolCalls.length > 0) {
        result.tool_calls = message.toolCalls.map((call) => ({
          id: toCallId(call.id, format),
          type: 'function',
          function: { name: call.name, arguments: parseArguments(call, protect) }
        }))
      }
      return result
    }
  }
}

function describedMessages(messages: Message[], toText: (content: Content, at: number) => string): TemplateMessage[] {
  const result: TemplateMessage[] = []
  for (const [at, message] of messages.entries()) {
    const content = toText(message.content, at)
    if (message.role === 'tool') {
      const response = `<tool_response>\n${content}\n</tool_response>`
      const last = result.at(-1)
      // Several results in a row answer the calls of one turn, and templates want turns to alternate.
      if (messages[at - 1]?.role === 'tool' && last !== undefined) last.content += `\n${response}`
      else result.push({ role: 'user', content: response })
    } else if (message.role === 'assistant') {
      const calls = (message.toolCalls ?? []).map((call) =>
        toText(`<tool_call>\n{"name": ${JSON.stringify(call.name)}, "arguments": ${call.arguments}}\n</tool_call>`, at)
      )
      result.push({ role: 'assistant', content: [content, ...calls].filter((part) => part !== '').join('\n') })
    } else result.push({ role: message.role, content })
  }
  return result
}

function withSystem(messages: TemplateMessage[], text: string): TemplateMessage[] {
  if (text === '') return messages
  const [first, ...rest] = messages
  if (first?.role === 'system') return [{ role: 'system', content: `${first.content}\n\n${text}` }, ...rest]
  return [{ role: 'system', content: text }, ...messages]
}

function toTemplateTool(tool: ChatRequest['tools'][number]): TemplateTool {
  return { type: 'function', function: { name: tool.name, description: tool.description ?? '', parameters: tool.parameters } }
}

function parseArguments(call: ToolCall, protect: (text: string) => string): unknown {
  try {
    return protectDeep(JSON.parse(call.arguments), protect)
  } catch {
    return protect(call.arguments)
  }
}

function protectDeep(value: unknown, protect: (text: string) => string): unknown {
  if (typeof value === 'string') return protect(value)
  if (Array.isArray(value)) return value.map((item) => protectDeep(item, protect))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [protect(key), protectDeep(item, protect)]))
}

function nameOfCall(messages: Message[], id: string): string {
  for (const message of messages) {
    if (message.role !== 'assistant') continue
    const call = message.toolCalls?.find((candidate) => candidate.id === id)
    if (call !== undefined) return call.name
  }
  return ''
}

/** Mistral's templates take ids of nine letters and digits, nothing else. */
function toCallId(id: string, format: ToolFormat): string {
  return format.id.startsWith('mistral')
    ? id
        .replaceAll(/[^A-Za-z0-9]/g, '')
        .slice(-9)
        .padStart(9, '0')
    : id
}
