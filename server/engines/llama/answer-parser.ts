import { randomInt } from 'node:crypto'
import { createBraceScanner, readCallHead, skipSpace } from './call-scanner.ts'
import type { ToolFormat } from './tool-format.ts'

/** A piece of an answer. The first piece of a call has `id` and `name`; `stop` is the last piece there is, named by its stop string. */
export type ParsedPiece =
  | { type: 'text'; text: string }
  | { type: 'reasoning'; text: string }
  | { type: 'tool-call'; callIndex: number; id?: string; name?: string; argumentsText: string }
  | { type: 'stop'; stop: string }

export type AnswerParserOptions = {
  /** The tags around reasoning, which is looked for only before the first word of the answer. */
  reasoning: { open: string; close: string } | null
  /** The prompt ended inside the reasoning, so its opening tag does not come. */
  startsInReasoning: boolean
  /** False: reasoning stays in the text, tags included. */
  splitReasoning: boolean
  /** Null: no calls are looked for. */
  format: ToolFormat | null
  /** The one that is complete first ends the answer, not inside reasoning or calls. */
  stop: string[]
}

/**
 * `push` takes the text as it is generated, `end` says that no more comes; `isTorn`: because a limit cut it off, so that the beginning of a call is no text.
 * Pieces depend on the joined text alone, however it was cut.
 */
export type AnswerParser = { push(text: string): ParsedPiece[]; end(isTorn?: boolean): ParsedPiece[] }

type Mode = 'reasoning' | 'answer' | 'call-head' | 'call-arguments' | 'call-tail' | 'stopped'
type Found = { kind: 'stop' | 'call' | 'reasoning'; pattern: string; at: number; end: number }

/** A text machine that holds back only what may be the beginning of a tag, a call or a stop string. */
export function createAnswerParser(options: AnswerParserOptions): AnswerParser {
  const { reasoning, splitReasoning, stop } = options
  const syntax = options.format?.syntax ?? null
  let mode: Mode = options.startsInReasoning && reasoning !== null ? 'reasoning' : 'answer'
  let buffer = ''
  let ended = false
  let pieces: ParsedPiece[] = []
  /** No answer text so far: white space is held back, and reasoning may open. */
  let atStart = true
  /** Behind a call or reasoning, where white space belongs to nobody. */
  let afterBlock = false
  let reasoningFresh = mode === 'reasoning'
  /** Call markers before this index of the buffer have been looked at and were none. */
  let callsFrom = 0
  let headAt = 0
  let inList = false
  let callCount = 0
  let scanBraces = createBraceScanner()
  /** `in-object`: behind the arguments, before the call's closing brace; `after-call`: before the closing marker or the next call. */
  let tailStage: 'in-object' | 'after-call' = 'in-object'
  /** The line breaks behind a closing reasoning tag are layout. */
  let swallowSpace = false

  function consume(length: number): string {
    const taken = buffer.slice(0, length)
    buffer = buffer.slice(length)
    callsFrom = Math.max(0, callsFrom - length)
    return taken
  }

  function emitText(text: string): void {
    if (text === '') return
    const last = pieces.at(-1)
    if (last?.type === 'text') last.text += text
    else pieces.push({ type: 'text', text })
    if (skipSpace(text, 0) < text.length) {
      atStart = false
      afterBlock = false
    }
  }

  function emitReasoning(text: string): void {
    if (text === '') return
    if (splitReasoning) pieces.push({ type: 'reasoning', text })
    else pieces.push({ type: 'text', text })
  }

  /** Each step either consumes something, changes the mode, or returns false: more text is needed. */
  function step(): boolean {
    switch (mode) {
      case 'reasoning':
        return stepReasoning()
      case 'answer':
        return stepAnswer()
      case 'call-head':
        return stepCallHead()
      case 'call-arguments':
        return stepCallArguments()
      case 'call-tail':
        return stepCallTail()
      case 'stopped':
        buffer = ''
        return false
    }
  }

  function stepReasoning(): boolean {
    if (reasoning === null) return false
    if (reasoningFresh) {
      // Some models repeat the tag that the prompt has opened, and most put a line break behind it.
      const start = skipSpace(buffer, 0)
      if (!ended && reasoning.open.startsWith(buffer.slice(start))) return false
      if (options.startsInReasoning && splitReasoning && buffer.startsWith(reasoning.open, start)) {
        consume(start + reasoning.open.length)
        return true
      }
      if (splitReasoning) consume(start)
      reasoningFresh = false
    }
    const closeAt = buffer.indexOf(reasoning.close)
    if (closeAt < 0) {
      // White space before the closing tag is layout, so it waits, too.
      const held = ended ? 0 : heldBack(buffer, [reasoning.close])
      const upTo = splitReasoning ? trimmedLength(buffer, buffer.length - held) : buffer.length - held
      if (ended) emitReasoning(consume(buffer.length))
      else if (upTo > 0) emitReasoning(consume(upTo))
      return false
    }
    if (splitReasoning) {
      emitReasoning(consume(trimmedLength(buffer, closeAt)))
      consume(skipSpace(buffer, 0) + reasoning.close.length)
      afterBlock = true
      swallowSpace = true
    } else emitReasoning(consume(closeAt + reasoning.close.length))
    atStart = true
    mode = 'answer'
    return true
  }

  function stepAnswer(): boolean {
    if (swallowSpace) {
      consume(skipSpace(buffer, 0))
      swallowSpace = buffer === ''
    }
    const found = earliest()
    if (found !== undefined) {
      const before = buffer.slice(0, found.at)
      const layoutOnly = skipSpace(before, 0) === before.length && (atStart || afterBlock)
      if (found.kind === 'stop') {
        emitText(before)
        pieces.push({ type: 'stop', stop: found.pattern })
        mode = 'stopped'
        return true
      }
      if (layoutOnly && (splitReasoning || found.kind === 'call')) consume(found.at)
      else emitText(consume(found.at))
      if (found.kind === 'reasoning') {
        if (splitReasoning) consume(found.pattern.length)
        else emitReasoning(consume(found.pattern.length))
        mode = 'reasoning'
        reasoningFresh = splitReasoning
      } else {
        mode = 'call-head'
        headAt = found.pattern.length
        inList = false
      }
      return true
    }
    if (ended) {
      if (!(afterBlock && skipSpace(buffer, 0) === buffer.length)) emitText(buffer)
      buffer = ''
      return false
    }
    const free = buffer.length - answerHeldBack()
    if (free > 0) emitText(consume(free))
    return false
  }

  /** The pattern that is complete first; of those that end together, the longest. */
  function earliest(): Found | undefined {
    let best: Found | undefined
    const consider = (kind: Found['kind'], pattern: string, at: number) => {
      const end = at + pattern.length
      if (at >= 0 && (best === undefined || end < best.end || (end === best.end && at < best.at))) best = { kind, pattern, at, end }
    }
    for (const pattern of stop) consider('stop', pattern, buffer.indexOf(pattern))
    const start = skipSpace(buffer, 0)
    if (reasoning !== null && atStart && buffer.startsWith(reasoning.open, start)) consider('reasoning', reasoning.open, start)
    for (const pattern of syntax?.opens ?? []) {
      if (!syntax?.onlyAtStart) consider('call', pattern, buffer.indexOf(pattern, callsFrom))
      else if (mayOpenHere(start)) {
        if (pattern === '' ? buffer[start] === '{' : buffer.startsWith(pattern, start)) consider('call', pattern, start)
      }
    }
    return best
  }

  function mayOpenHere(start: number): boolean {
    return atStart && start >= callsFrom && start < buffer.length
  }

  function answerHeldBack(): number {
    const start = skipSpace(buffer, 0)
    const anywhere = syntax?.onlyAtStart ? stop : [...stop, ...(syntax?.opens ?? [])]
    let held = heldBack(buffer, anywhere)
    if (atStart || afterBlock) {
      const opening = atStart ? [...(reasoning === null ? [] : [reasoning.open]), ...(syntax?.onlyAtStart ? syntax.opens : [])] : []
      const rest = buffer.slice(start)
      const mayOpen = opening.some((pattern) => pattern !== '' && callsFrom <= start && pattern.startsWith(rest))
      const layout = start >= buffer.length - held && (reasoning !== null || syntax !== null)
      if (layout || mayOpen) held = buffer.length
    }
    return held
  }

  /** What looked like a call was none: its marker is text, and the search goes on behind the marker's first character. */
  function refuseCall(): boolean {
    mode = 'answer'
    callsFrom = 1
    return true
  }

  function stepCallHead(): boolean {
    if (syntax === null) return false
    let from = headAt
    if (syntax.shape === 'list' && !inList) {
      const at = skipSpace(buffer, from)
      if (at === buffer.length) return ended ? refuseCall() : false
      if (buffer[at] !== '[') return refuseCall()
      from = at + 1
    }
    const head = readCallHead(buffer, from, syntax)
    if (head.state === 'more') return ended ? refuseCall() : false
    if (head.state === 'no') return refuseCall()
    const first = { type: 'tool-call' as const, callIndex: callCount++, id: createCallId(), name: head.name }
    inList = syntax.shape === 'list'
    if (head.state === 'whole') {
      consume(head.end)
      pieces.push({ ...first, argumentsText: head.argumentsText })
      tailStage = 'after-call'
      mode = 'call-tail'
    } else {
      consume(head.argumentsAt)
      pieces.push({ ...first, argumentsText: '' })
      scanBraces = createBraceScanner()
      mode = 'call-arguments'
    }
    return true
  }

  function stepCallArguments(): boolean {
    const end = scanBraces(buffer, 0)
    const argumentsText = consume(end ?? buffer.length)
    const last = pieces.at(-1)
    if (last?.type === 'tool-call') last.argumentsText += argumentsText
    else if (argumentsText !== '') pieces.push({ type: 'tool-call', callIndex: callCount - 1, argumentsText })
    if (end === undefined) return false
    tailStage = syntax?.shape === 'named' ? 'after-call' : 'in-object'
    mode = 'call-tail'
    return true
  }

  function stepCallTail(): boolean {
    if (syntax === null) return false
    const start = skipSpace(buffer, 0)
    if (tailStage === 'in-object') {
      // Keys behind the arguments (an id, say) carry nothing that is needed.
      const closing = /^\s*(?:,\s*"(?:id|type)"\s*:\s*(?:"(?:[^"\\]|\\.)*"|null)\s*)*\}/.exec(buffer)
      if (closing !== null && closing[0].length <= longestTail) {
        consume(closing[0].length)
        tailStage = 'after-call'
        return true
      }
      if (!ended && (start === buffer.length || buffer[start] === ',') && buffer.length < longestTail) return false
      tailStage = 'after-call'
      return true
    }
    const rest = buffer.slice(start)
    if (inList) {
      if (rest === '' && !ended) return false
      if (rest[0] === ',') {
        const next = readCallHead(rest, 1, syntax)
        if (next.state === 'more' && !ended) return false
        if (next.state === 'streaming' || next.state === 'whole') {
          consume(start)
          headAt = 1
          mode = 'call-head'
          return true
        }
      }
      if (rest[0] === ']') consume(start + 1)
      return leaveCall()
    }
    if (syntax.close !== '') {
      if (rest.startsWith(syntax.close)) consume(start + syntax.close.length)
      else if (!ended && syntax.close.startsWith(rest)) return false
      return leaveCall()
    }
    if (syntax.onlyAtStart) {
      // Several calls of a format without markers are written one behind the other, some models put a semicolon between.
      if (rest === '' && !ended) return false
      const from = rest[0] === ';' ? skipSpace(rest, 1) : 0
      const next = rest.slice(from).startsWith('{') || rest.slice(from) === '' ? readCallHead(rest, from, syntax) : { state: 'no' as const }
      if (next.state === 'more' && !ended) return false
      if (next.state === 'streaming' || next.state === 'whole') {
        consume(start + from)
        headAt = 0
        mode = 'call-head'
        return true
      }
      atStart = false
    }
    return leaveCall()
  }

  function leaveCall(): boolean {
    afterBlock = true
    mode = 'answer'
    callsFrom = 0
    return true
  }

  /** What stands from a call's marker on, also from the beginning of one; less than three characters of it may as well be text. */
  function dropTornCall(): void {
    if (syntax === null) return
    if (mode === 'call-head' || mode === 'call-tail') buffer = ''
    const markers = [...syntax.opens, syntax.close].filter((marker) => marker !== '')
    const torn = mode === 'answer' ? heldBack(buffer, markers) : 0
    if (torn >= 3) buffer = buffer.slice(0, trimmedLength(buffer, buffer.length - torn))
  }

  function run(): ParsedPiece[] {
    while (step()) {
      // Goes on until more text is needed.
    }
    const done = pieces
    pieces = []
    return done
  }

  return {
    push(text) {
      buffer += text
      return run()
    },
    end(isTorn = false) {
      ended = true
      if (isTorn) dropTornCall()
      return run()
    }
  }
}

/** Characters between the arguments and the brace that closes their call: an id, hardly more. */
const longestTail = 400

/** Length of the longest end of `text` that is a beginning of one of `patterns`. */
function heldBack(text: string, patterns: string[]): number {
  let longest = 0
  for (const pattern of patterns) {
    for (let length = Math.min(pattern.length - 1, text.length); length > longest; length--) {
      if (text.endsWith(pattern.slice(0, length))) longest = length
    }
  }
  return longest
}

/** `length` without the white space that `text` has just before it. */
function trimmedLength(text: string, length: number): number {
  let trimmed = length
  while (trimmed > 0 && ' \t\r\n'.includes(text.charAt(trimmed - 1))) trimmed--
  return trimmed
}

const base62 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
function createCallId(): string {
  return `call_${Array.from({ length: 24 }, () => base62[randomInt(62)]).join('')}`
}
