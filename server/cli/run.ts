import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import type { Message } from '#contracts/chat.ts'
import { loadConfig } from '../config.ts'
import { readAnswer } from './answer.ts'
import { numberOption } from './arguments.ts'
import { type Client, needServer } from './client.ts'
import { converse } from './conversation.ts'
import { findModel } from './models.ts'
import { pullThroughServer } from './pull.ts'
import { type ChatSettings, showAnswer } from './show-answer.ts'
import { paint, sayJson, tell } from './terminal.ts'
import { UsageError } from './usage-error.ts'

/** Small models make little sense at the API's temperature of 1, and repeat themselves at 0. */
const calm = { temperature: 0.3, repeatPenalty: 1.1 }

/** One answer to a prompt, or a conversation where there is none. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: {
      system: { type: 'string' },
      temperature: { type: 'string' },
      'max-tokens': { type: 'string' },
      json: { type: 'boolean', default: false }
    },
    allowPositionals: true
  })
  const [name, ...words] = positionals
  if (name === undefined || name === '') throw new UsageError('MODEL is missing: outpost list shows the models there are')
  const temperature = numberOption('temperature', values.temperature, { min: 0, max: 2 })
  const maxTokens = numberOption('max-tokens', values['max-tokens'], { min: 1, max: 2 ** 31 - 1, whole: true })
  const isConversation = words.length === 0 && process.stdin.isTTY
  if (isConversation && values.json) throw new UsageError('--json wants a prompt')

  // Before anything is pulled or asked.
  const prompt = isConversation ? '' : await readPrompt(words)
  if (!isConversation && prompt.trim() === '') throw new UsageError('the prompt is empty')

  const client = await needServer(loadConfig())
  const model = await bring(client, name)
  const settings: ChatSettings = {
    model,
    generation: { ...(temperature === undefined ? calm : { temperature }), ...(maxTokens === undefined ? {} : { maxTokens }) }
  }
  if (isConversation) return await converse(client, settings, values.system)

  const messages: Message[] = [
    ...(values.system === undefined ? [] : [{ role: 'system' as const, content: values.system }]),
    { role: 'user', content: prompt }
  ]
  if (values.json) {
    const answer = await readAnswer(client, { ...settings, messages }, { text: () => {} })
    sayJson({ model, ...answer })
    return 0
  }
  await showAnswer(client, settings, messages)
  return 0
}

/** The model's id, pulled before where it is not here. */
async function bring(client: Client, name: string): Promise<string> {
  const { id, state } = findModel((await client.call('models')).models, name)
  if (state !== 'absent' && state !== 'pulling') return id
  // The answer alone goes to stdout.
  return await pullThroughServer(client, id, new AbortController().signal, process.stderr)
}

/** Words of the command line; `-`, or none, stands for what comes in by the pipe. */
async function readPrompt(words: string[]): Promise<string> {
  if (words.length > 0 && !words.includes('-')) return words.join(' ')
  if (process.stdin.isTTY) tell(paint('dim', 'The prompt, then Ctrl-D:', process.stderr))
  const piped = await text(process.stdin)
  if (words.length === 0) return piped
  return words
    .map((word) => (word === '-' ? `\n\n${piped}\n\n` : word))
    .join(' ')
    .trim()
}
