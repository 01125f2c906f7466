import type { Vocabulary } from './vocabulary.ts'

/** A character that no text is meant to hold (a Unicode noncharacter). */
const breaker = '\uFDD0'

export type PromptText = {
  /** Breaks what looks like a control token of the model in text that is not ours, so that it does not become one. */
  protect(text: string): string
  /** Tokens of a rendered template: its own markers become control tokens, what was protected becomes the plain text it was. */
  tokenize(rendered: string): number[]
}

/**
 * Without this a user who writes `<|im_end|>` ends his own turn and speaks as somebody else. Templates may trim, split or search what they are
 * given, so the protection goes through them as text: one more character inside each look-alike.
 */
export function createPromptText(vocabulary: Vocabulary): PromptText {
  const texts = [...vocabulary.controlTexts].filter((text) => text.length > 1).sort((a, b) => b.length - a.length)
  const pattern = texts.length === 0 ? undefined : new RegExp(texts.map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'), 'g')

  return {
    protect: (text) => (pattern === undefined ? text : text.replaceAll(pattern, (found) => `${found[0]}${breaker}${found.slice(1)}`)),
    tokenize(rendered) {
      const tokens = pattern !== undefined && rendered.includes(breaker) ? tokenizeParts(rendered, pattern) : vocabulary.tokenizeTemplate(rendered)
      if (vocabulary.beginning !== undefined && tokens[0] !== vocabulary.beginning) tokens.unshift(vocabulary.beginning)
      return tokens
    }
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
