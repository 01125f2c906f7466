import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { ChatRequest, Content } from '#contracts/chat.ts'
import { ErrorCode } from '#contracts/error.ts'

/** How the engine as a whole behaves; from a JSON file given in the place of weights. */
export const FakeTraits = z.object({
  slots: z.int().positive().default(4),
  contextWindow: z.int().positive().default(8192),
  dimensions: z.int().positive().default(64),
  /** The process dies while "loading". */
  crashAtLoad: z.boolean().default(false),
  loadMs: z.int().min(0).default(0)
})
export type FakeTraits = z.infer<typeof FakeTraits>

export function fakeTraitsOf(path: string): FakeTraits {
  return FakeTraits.parse(path === '' ? {} : JSON.parse(readFileSync(path, 'utf8')))
}

const count = z.coerce.number().int().min(0)
const Script = z.object({
  /** Tokens of the answer. */
  tokens: count.default(8),
  /** Time between tokens; 0: one each turn of the event loop. */
  stepMs: count.default(0),
  /** Time before the first token. */
  prefillMs: count.default(0),
  /** Tokens of reasoning before the answer. */
  think: count.default(0),
  /** Throw this error, after `failAfter` tokens. */
  fail: ErrorCode.optional(),
  failAfter: count.default(0),
  /** Kill the process after so many tokens. */
  crashAfter: count.optional(),
  /** Only in the first so many runs of the process's life is `crashAfter` obeyed; the file remembers across processes. */
  crashOnce: z.string().optional(),
  /** Call this tool although nothing requires it. */
  call: z.string().optional(),
  /** The answer, word by word, instead of made-up words. */
  say: z.string().optional()
})
export type Script = z.infer<typeof Script>

const directive = /^fake:(.*)$/m

/** The last message may say how to behave: `fake: tokens=17 stepMs=10`, values in quotes when they have spaces. */
export function scriptOf(request: ChatRequest): Script {
  const text = request.prompt ?? plainText(request.messages.at(-1)?.content ?? '')
  const line = directive.exec(text)?.[1] ?? ''
  const pairs = [...line.matchAll(/(\w+)=(?:"([^"]*)"|(\S+))/g)].map(([, key, quoted, plain]) => [key, quoted ?? plain])
  return Script.parse(Object.fromEntries(pairs))
}

export function plainText(content: Content): string {
  return typeof content === 'string' ? content : content.map((part) => (part.type === 'text' ? part.text : '')).join('')
}
