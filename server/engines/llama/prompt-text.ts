import type { Vocabulary } from './vocabulary.ts'

/** A character that no text is meant to hold (a Unicode noncharacter). */
const breaker = '\uFDD0'

/** Both ways into tokens go in pieces, with a turn of the event loop between them: the tokenizer takes a second for a megabyte, for many markers in one text longer. */
export type PromptText = {
  /** Breaks what looks like a control token of the model in text that is not ours, so that it does not become one. */
  protect(text: string): string
  /** Tokens of a rendered template: its own markers become control tokens, what was protected becomes the plain text it was. */
  tokenize(rendered: string): Promise<number[]>
  /** Tokens of a prompt whose writer means every marker in it. */
  tokenizeRaw(prompt: string): Promise<number[]>
}

/** Characters of a piece, about ten milliseconds. */
const pieceLength = 16_384
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

/**
 * Without this a user who writes `<|im_end|>` ends his own turn and speaks as somebody else. Templates may trim, split or search what they are
 * given, so the protection goes through them as text: one more character inside each look-alike.
 */
export function createPromptText(vocabulary: Vocabulary): PromptText {
  const texts = [...vocabulary.controlTexts].filter((text) => text.length > 1).sort((a, b) => b.length - a.length)
  const pattern = texts.length === 0 ? undefined : new RegExp(texts.map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'), 'g')

  return {
    protect: (text) => (pattern === undefined ? text : text.replaceAll(pattern, (found) => `${found[0]}${breaker}${found.slice(1)}`)),
    tokenize: (rendered) =>
      inPieces(rendered, (piece) =>
        pattern !== undefined && piece.includes(breaker) ? tokenizeParts(piece, pattern) : vocabulary.tokenizeTemplate(piece)
      ),
    tokenizeRaw: (prompt) => inPieces(prompt, vocabulary.tokenizeTemplate)
  }

  async function inPieces(text: string, toTokens: (piece: string) => number[]): Promise<number[]> {
    const tokens: number[] = []
    for (const piece of piecesOf(text)) {
      if (tokens.length > 0) await nextTurn()
      for (const token of toTokens(piece)) tokens.push(token)
    }
    if (vocabulary.beginning !== undefined && tokens[0] !== vocabulary.beginning) tokens.unshift(vocabulary.beginning)
    return tokens
  }

  /** Cut before control tokens, where no token reaches across. */
  function* piecesOf(text: string): Generator<string> {
    let from = 0
    if (pattern !== undefined && text.length > pieceLength) {
      for (const { index } of text.matchAll(pattern)) {
        if (index - from < pieceLength) continue
        yield text.slice(from, index)
        from = index
      }
    }
    yield text.slice(from)
  }

  function tokenizeParts(rendered: string, markers: RegExp): number[] {
    const tokens: number[] = []
    let at = 0
    const addText = (text: string) => {
      for (const token of vocabulary.tokenizeText(text.replaceAll(breaker, ''))) tokens.push(token)
    }
    for (const match of rendered.matchAll(markers)) {
      addText(rendered.slice(at, match.index))
      tokens.push(...vocabulary.tokenizeTemplate(match[0]))
      at = match.index + match[0].length
    }
    addText(rendered.slice(at))
    return tokens
  }
}
