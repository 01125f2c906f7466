import { createInterface } from 'node:readline'
import type { Message } from '#contracts/chat.ts'
import { AppError } from '../errors.ts'
import type { Client } from './client.ts'
import { type ChatSettings, showAnswer } from './show-answer.ts'
import { paint, tell } from './terminal.ts'

const help = `/system TEXT  sets what the model is told before everything else; without TEXT it is taken away
/clear        forgets the conversation
/bye          leaves (also Ctrl-D)
Ctrl-C        stops the answer
Pasted lines are sent as one message.`

/** Chats on the terminal until its user leaves. Answers the exit code. */
export async function converse(client: Client, settings: ChatSettings, system: string | undefined): Promise<number> {
  let instructions = system
  let messages: Message[] = []
  let history: string[] = []
  tell(paint('dim', `${settings.model} listens. /help shows what else can be typed.`, process.stderr))
  for (;;) {
    const asked = await ask(history)
    if (asked === undefined) return 0
    history = asked.history
    const line = asked.text.trim()
    const [command = ''] = line.split(/\s/, 1)
    if (line === '') continue
    if (command === '/bye' || command === '/exit' || command === '/quit') return 0
    if (command === '/help' || command === '/?') tell(help)
    else if (command === '/clear') {
      messages = []
      tell('The conversation is forgotten.')
    } else if (command === '/system') {
      instructions = line.slice(command.length).trim() || undefined
      tell(instructions === undefined ? 'The model is told nothing now.' : 'The model is told so from the next message on.')
    } else if (/^\/[a-z]+$/.test(command)) tell(`There is no ${command}.\n${help}`)
    else {
      const question: Message = { role: 'user', content: asked.text }
      const answer = await tryAnswer(client, settings, [...(instructions === undefined ? [] : [systemMessage(instructions)]), ...messages, question])
      // A question without an answer would make two in a row, which some chat templates refuse.
      if (answer !== '') messages = [...messages, question, { role: 'assistant', content: answer }]
    }
  }
}

/** The answer's text, shown while it comes; empty where there was none. Ctrl-C stops it, and keeps what came. */
async function tryAnswer(client: Client, settings: ChatSettings, messages: Message[]): Promise<string> {
  const stop = new AbortController()
  const onInterrupt = () => stop.abort()
  process.on('SIGINT', onInterrupt)
  try {
    return (await showAnswer(client, settings, messages, stop.signal)).text
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const advice = error.code === 'context_length_exceeded' ? '\n/clear begins a new conversation.' : ''
    tell(paint('red', `${error.message}${advice}`, process.stderr))
    return ''
  } finally {
    process.off('SIGINT', onInterrupt)
  }
}

/**
 * Lines that came in one go (typed: one, pasted: several); undefined: the user leaves. The terminal is read only here, so that
 * during an answer Ctrl-C is a signal, and what is typed then waits for the next question.
 */
function ask(history: string[]): Promise<{ text: string; history: string[] } | undefined> {
  const { promise, resolve } = Promise.withResolvers<{ text: string; history: string[] } | undefined>()
  const output = process.stdout.isTTY ? process.stdout : process.stderr
  const terminal = createInterface({
    input: process.stdin,
    output,
    prompt: '>>> ',
    history: [...history],
    historySize: 1000,
    removeHistoryDuplicates: true
  })
  const lines: string[] = []
  let kept = history
  terminal.on('history', (now) => {
    kept = [...now]
  })
  terminal.on('line', (line) => {
    lines.push(line)
    if (lines.length > 1) return
    setImmediate(() => {
      // What was pasted without a last line end.
      if (terminal.line !== '') {
        lines.push(terminal.line)
        output.write('\n')
      }
      const text = lines.join('\n')
      resolve({ text, history: kept })
      terminal.close()
    })
  })
  terminal.on('SIGINT', () => {
    if (terminal.line === '') {
      output.write('\n')
      tell(paint('dim', '/bye or Ctrl-D leaves.', process.stderr))
    } else output.write('\n')
    terminal.write(null, { ctrl: true, name: 'e' })
    terminal.write(null, { ctrl: true, name: 'u' })
    terminal.prompt()
  })
  terminal.on('close', () => {
    if (lines.length === 0) output.write('\n')
    resolve(undefined)
  })
  terminal.prompt()
  return promise
}

function systemMessage(content: string): Message {
  return { role: 'system', content }
}
