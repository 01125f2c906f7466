import { Template } from '@huggingface/jinja'
import { AppError } from '../../errors.ts'
import type { Log } from '../../log.ts'

/** A message as chat templates expect it: OpenAI's shape, with a call's arguments as an object. */
export type TemplateMessage = {
  role: 'system' | 'user' | 'assistant' | 'tool'
  content: string
  name?: string
  reasoning_content?: string
  tool_calls?: { id: string; type: 'function'; function: { name: string; arguments: unknown } }[]
  tool_call_id?: string
}

export type TemplateTool = { type: 'function'; function: { name: string; description: string; parameters: unknown } }

export type TemplateInput = {
  messages: TemplateMessage[]
  /** Undefined: none, and templates that ask for them see none. */
  tools?: TemplateTool[] | undefined
  /** Further variables (`enable_thinking` and the like). */
  variables?: Record<string, unknown>
}

export type ChatTemplate = {
  /** The Jinja text, for those who look for markers in it. */
  readonly source: string
  /** The prompt up to where the assistant's answer begins. Throws `invalid_request` when the template refuses the messages. */
  render(input: TemplateInput): string
}

/** For weights without a template: the format most small models know. */
export const chatMl =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"

/** The template from the weights; without one, or with one that cannot be read, ChatML, with a line in the log. */
export function createChatTemplate(options: { source: string | undefined; beginningText: string; endText: string; log: Log }): ChatTemplate {
  const { log } = options
  let source = options.source
  let template: Template | undefined
  if (source === undefined) log.warn('the weights carry no chat template, ChatML is used')
  else {
    try {
      template = new Template(source)
    } catch (error) {
      log.warn({ reason: (error as Error).message }, 'the chat template of the weights cannot be read, ChatML is used')
    }
  }
  if (template === undefined || source === undefined) {
    source = chatMl
    template = new Template(source)
  }
  const parsed = template

  function render({ messages, tools, variables }: TemplateInput): string {
    return parsed.render({
      ...variables,
      messages,
      tools: tools ?? null,
      add_generation_prompt: true,
      bos_token: options.beginningText,
      eos_token: options.endText
    })
  }

  return {
    source,
    render(input) {
      try {
        return render(input)
      } catch (error) {
        // Some templates know no system role (Gemma) and raise an exception: its text then goes before the first user message.
        const merged = mergeSystem(input.messages)
        if (merged !== undefined) {
          try {
            return render({ ...input, messages: merged })
          } catch {
            // The first error is about what the caller sent.
          }
        }
        throw new AppError('invalid_request', `the model's chat template refuses these messages: ${(error as Error).message}`, {
          cause: error,
          param: 'messages'
        })
      }
    }
  }
}

function mergeSystem(messages: TemplateMessage[]): TemplateMessage[] | undefined {
  const system = messages.filter((message) => message.role === 'system').map((message) => message.content)
  if (system.length === 0) return undefined
  const rest = messages.filter((message) => message.role !== 'system')
  const first = rest.findIndex((message) => message.role === 'user')
  if (first < 0) return [{ role: 'user', content: system.join('\n\n') }, ...rest]
  return rest.map((message, index) => (index === first ? { ...message, content: `${system.join('\n\n')}\n\n${message.content}` } : message))
}
