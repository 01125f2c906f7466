import type { LlamaModel, Token } from 'node-llama-cpp'
import type { Native } from './native.ts'

/** A model's tokens, as bytes and as text. */
export type Vocabulary = {
  readonly size: number
  /** Bytes of text that one token can stand for at most; infinite where the tokenizer shortens the text first. */
  readonly longestToken: number
  /** Text that is plain text, whatever it looks like: no control token comes out of it. */
  tokenizeText(text: string): number[]
  /** Text that a chat template made: control tokens in it become control tokens. */
  tokenizeTemplate(text: string): number[]
  /** Texts of the control tokens (`<|im_end|>` and the like). */
  readonly controlTexts: ReadonlySet<string>
  /** UTF-8 of a token; one token may be part of a character. Empty for control tokens, unless `isShown` takes its text. */
  bytes(token: number, isShown?: (text: string) => boolean): Uint8Array
  /** Whether the model ends its answer with this token. */
  isEnd(token: number): boolean
  /** All tokens that `isEnd` holds for. */
  endTokens(): number[]
  /** The token to begin with, when the model wants one. */
  readonly beginning: number | undefined
  readonly beginningText: string
  readonly endText: string
}

const controlType = 3
const empty = new Uint8Array(0)
const encoder = new TextEncoder()

export function createVocabulary(model: LlamaModel, native: Native): Vocabulary {
  const metadata = model.fileInfo.metadata.tokenizer?.ggml
  const texts = (metadata?.tokens ?? []) as readonly string[]
  const types = (metadata?.token_type ?? []) as readonly number[]
  const controlTexts = new Set<string>()
  for (const [token, type] of types.entries()) {
    const text = texts[token]
    if (type === controlType && text !== undefined && text !== '') controlTexts.add(text)
  }
  const bytesByToken = new Map<number, Uint8Array>()
  const endByToken = new Map<number, boolean>()
  const kind = model.vocabularyType

  function toBytes(token: number): Uint8Array {
    // Types: 1 normal, 2 unknown, 3 control, 4 added by the user, 5 unused, 6 a single byte.
    const type = types[token] ?? 1
    const text = native.model.getTokenString(token)
    if (type === controlType) return encoder.encode(text)
    if (kind === 'bpe') return type === 4 ? encoder.encode(text) : fromByteLevel(text)
    if (kind === 'spm') {
      const byte = type === 6 ? /^<0x([0-9A-Fa-f]{2})>$/.exec(text)?.[1] : undefined
      return byte !== undefined ? Uint8Array.of(Number.parseInt(byte, 16)) : encoder.encode(text.replaceAll('▁', ' '))
    }
    return encoder.encode(native.model.detokenize(Uint32Array.of(token), false))
  }

  const isEnd = (token: number) => {
    let known = endByToken.get(token)
    if (known === undefined) {
      known = model.isEogToken(token as Token)
      endByToken.set(token, known)
    }
    return known
  }
  let endTokens: number[] | undefined

  const isControl = (token: number) => types[token] === controlType

  return {
    size: texts.length,
    longestToken: longestOf(texts, kind),
    controlTexts,
    tokenizeText: (text) => (text === '' ? [] : Array.from(native.model.tokenize(text, false))),
    tokenizeTemplate: (text) => (text === '' ? [] : Array.from(native.model.tokenize(text, true))),
    bytes(token, isShown) {
      if (isControl(token) && isShown?.(texts[token] ?? '') !== true) return empty
      let bytes = bytesByToken.get(token)
      if (bytes === undefined) {
        bytes = toBytes(token)
        bytesByToken.set(token, bytes)
      }
      return bytes
    },
    isEnd,
    endTokens() {
      endTokens ??= types.flatMap((type, token) => (type === controlType && isEnd(token) ? [token] : []))
      return endTokens
    },
    beginning: model.tokens.shouldPrependBosToken ? (model.tokens.bos ?? undefined) : undefined,
    beginningText: model.tokens.bosString ?? '',
    endText: model.tokens.eosString ?? ''
  }
}

/** Unigram and word-piece tokenizers fold white space and accents, so that nothing can be said of the length of the text. */
function longestOf(texts: readonly string[], kind: string): number {
  if (kind !== 'bpe' && kind !== 'spm') return Number.POSITIVE_INFINITY
  return texts.reduce((longest, text) => Math.max(longest, Buffer.byteLength(text)), 1)
}

/** GPT-2's way to write bytes as printable characters, read back. What it does not know stays as it is. */
export function fromByteLevel(text: string): Uint8Array {
  const bytes: number[] = []
  for (const character of text) {
    const byte = byteOfCharacter.get(character)
    if (byte === undefined) bytes.push(...encoder.encode(character))
    else bytes.push(byte)
  }
  return Uint8Array.from(bytes)
}

/** Printable bytes stand for themselves, the others for U+0100 onwards in their order (`bytes_to_unicode` of GPT-2's encoder.py). */
const byteOfCharacter = (() => {
  const isPrintable = (byte: number) => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff)
  const table = new Map<string, number>()
  let next = 0x100
  for (let byte = 0; byte < 256; byte++) table.set(String.fromCodePoint(isPrintable(byte) ? byte : next++), byte)
  return table
})()
