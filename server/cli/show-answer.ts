import type { z } from 'zod'
import type { Generation, Message } from '#contracts/chat.ts'
import { type Answer, readAnswer, speedText } from './answer.ts'
import type { Client } from './client.ts'
import { createStatusLine, harmless, paint, tell } from './terminal.ts'

/** What stays the same through a conversation. */
export type ChatSettings = { model: string; generation: Partial<z.input<typeof Generation>> }

/** Streams an answer to the terminal or pipe. On a terminal also the waiting before it and its speed. */
export async function showAnswer(client: Client, settings: ChatSettings, messages: Message[], signal?: AbortSignal): Promise<Answer> {
  const { stdout, stderr } = process
  const status = createStatusLine()
  let isThinking = false
  const answerBegins = () => {
    status.clear()
    if (isThinking) stderr.write('\n\n')
    isThinking = false
  }
  let last = '\n'
  const endLine = () => {
    if (last !== '\n') stdout.write('\n')
    last = '\n'
  }
  try {
    const answer = await readAnswer(
      client,
      { ...settings, messages, features: { reasoning: stderr.isTTY === true } },
      {
        text(delta) {
          answerBegins()
          stdout.write(stdout.isTTY ? harmless(delta) : delta)
          last = delta.at(-1) ?? last
        },
        reasoning(delta) {
          if (!stderr.isTTY) return
          status.clear()
          isThinking = true
          stderr.write(paint('dim', harmless(delta), stderr))
        },
        waiting: (how) => status.show(how),
        warning(message) {
          status.clear()
          tell(paint('yellow', harmless(message), stderr))
        }
      },
      signal
    )
    if (answer.text === '') last = ''
    endLine()
    if (answer.finishReason === 'length') tell(paint('dim', '(cut off: it reached its limit of tokens)', stderr))
    if (stderr.isTTY) tell(paint('dim', answer.finishReason === 'cancelled' ? '(stopped)' : speedText(answer), stderr))
    return answer
  } finally {
    answerBegins()
    // An error shall not stand behind half an answer.
    endLine()
  }
}
