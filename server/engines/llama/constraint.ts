import { type Llama, LlamaGrammar, LlamaGrammarEvaluationState, type LlamaModel } from 'node-llama-cpp'
import type { ChatRequest } from '#contracts/chat.ts'
import { AppError } from '../../errors.ts'
import { charClass, literal } from './grammar/gbnf.ts'
import { anyJsonObject, compileJsonSchema, schemaRules } from './json-schema-grammar.ts'
import { type Native, type NativeGrammarState, nativeGrammarState } from './native.ts'
import type { ReasoningTags } from './reasoning.ts'
import { chosenTools, compileToolParameters, type ToolFormat } from './tool-format.ts'
import type { Vocabulary } from './vocabulary.ts'

/** What the answers of one request are held to. */
export type Constraint = {
  /** For one answer: the grammar that holds from its first token. */
  begin(): NativeGrammarState | undefined
  /** For one answer: is shown each token, and returns the grammar that holds from the next one on when this token completed a call's trigger. */
  watch(): ((token: number) => NativeGrammarState | undefined) | undefined
  /** What is wrong with a finished answer; undefined when it is held to no schema. */
  check: ((text: string) => string[]) | undefined
  /** What is wrong with the arguments of a finished call; nothing unless the tool is strict. */
  checkCall(name: string, argumentsText: string): string[]
  /** The answer is held to be calls from its first token: what is no call is the torn beginning of one. */
  onlyCalls: boolean
  /** The text must be JSON, so reasoning cannot stay in it. */
  splitsReasoning: boolean
}

export type ConstraintContext = { llama: Llama; model: LlamaModel; native: Native; vocabulary: Vocabulary; grammars: Map<string, LlamaGrammar> }

type Options = { format: ToolFormat; reasoning: ReasoningTags | null; startsInReasoning: boolean; isShown: (text: string) => boolean }

const free: Constraint = {
  begin: () => undefined,
  watch: () => undefined,
  check: undefined,
  checkCall: () => [],
  onlyCalls: false,
  splitsReasoning: false
}
const entry = 'outpost-entry'
/** Compiled grammars that are kept: agents send the same tools and schemas again and again. */
const keptGrammars = 64

/** Throws `unsupported_schema` or `invalid_request` for what cannot be held to. */
export function createConstraint(context: ConstraintContext, request: ChatRequest, options: Options): Constraint {
  const { responseFormat } = request.generation
  const { format } = options
  const tools = request.prompt === undefined ? chosenTools(request.tools, request.toolChoice) : []
  const schema = responseFormat.type === 'json-schema' ? responseFormat.schema : responseFormat.type === 'json' ? { type: 'object' } : undefined
  const compiled = responseFormat.type === 'json' ? anyJsonObject() : schema === undefined ? undefined : compileJsonSchema(schema)
  const calls = tools.length === 0 ? undefined : format.callGrammar(tools, { parallel: request.parallelToolCalls })
  const checks = new Map(tools.filter((tool) => tool.strict).map((tool) => [tool.name, compileToolParameters(tool).check]))
  const checkCall = (name: string, argumentsText: string) => checks.get(name)?.(argumentsText) ?? []
  const mustCall = calls !== undefined && (request.toolChoice.type === 'required' || request.toolChoice.type === 'tool')

  if (mustCall || compiled !== undefined) {
    let rules = mustCall ? calls : (compiled?.gbnf ?? '')
    if (!mustCall && calls !== undefined && schema !== undefined) {
      rules = `root ::= answer | calls\n${schemaRules(schema, 'answer')}\n${calls.replace(/^root ::=/m, 'calls ::=')}`
    }
    const grammar = compile(context, `${rules}\n${entryRule(options, request.features.reasoning)}`, entry)
    return {
      begin: () => newState(context, grammar),
      watch: () => undefined,
      check: mustCall ? undefined : compiled?.check,
      checkCall,
      onlyCalls: mustCall,
      splitsReasoning: true
    }
  }
  if (calls === undefined || format.trigger === '') return free
  // Compiled now, so that a bad schema is refused before anything is generated.
  compileAfter(context, calls, '')
  return { ...free, checkCall, watch: () => createTriggerWatch(context, calls, options) }
}

/** The rule to begin with: reasoning where the model does that, then the rules' `root`. Reasoning nobody wants is closed at once. */
function entryRule({ reasoning, startsInReasoning }: Options, isWanted: boolean): string {
  if (reasoning === null || (!startsInReasoning && !isWanted)) return `${entry} ::= root\n`
  const [first = '', second = ''] = reasoning.close
  const thinking = `outpost-thinking ::= (${anythingBut(first)} | ${literal(first)} ${anythingBut(second)})*\n`
  const closing = `${literal(reasoning.close)} [ \\n]*`
  if (startsInReasoning) return isWanted ? `${entry} ::= outpost-thinking ${closing} root\n${thinking}` : `${entry} ::= [ \\n]* ${closing} root\n`
  return `${entry} ::= (${literal(reasoning.open)} outpost-thinking ${closing})? root\n${thinking}`
}

function anythingBut(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return `[^${charClass([[code, code]]).slice(1)}`
}

/**
 * Looks for the trigger in the tokens of an answer. The tokens it is made of were chosen freely, and the first one may hold some text before it: the
 * grammar starts with that text, is told these tokens, and goes on from there.
 */
function createTriggerWatch(context: ConstraintContext, calls: string, options: Options): (token: number) => NativeGrammarState | undefined {
  const { vocabulary, native } = context
  const trigger = toByteText(Buffer.from(options.format.trigger))
  const { onlyAtStart } = options.format.syntax
  const recent: { token: number; text: string }[] = []
  let joined = ''
  let isOver = false
  return (token) => {
    if (isOver) return undefined
    const text = toByteText(vocabulary.bytes(token, options.isShown))
    recent.push({ token, text })
    joined += text
    const at = joined.indexOf(trigger)
    if (at < 0) {
      if (onlyAtStart) isOver = !trigger.startsWith(joined.trimStart().slice(0, trigger.length))
      // Keep only tokens that may hold the beginning of a trigger.
      while (recent[0] !== undefined && joined.length - recent[0].text.length >= trigger.length) joined = joined.slice(recent.shift()?.text.length)
      return undefined
    }
    isOver = true
    if (onlyAtStart && joined.slice(0, at).trim() !== '') return undefined
    let before = at
    while (recent[0] !== undefined && recent[0].text.length <= before) before -= recent.shift()?.text.length ?? 0
    const state = newState(context, compileAfter(context, calls, Buffer.from(recent[0]?.text.slice(0, before) ?? '', 'latin1').toString('utf8')))
    for (const part of recent) {
      // A model that goes its own way inside the very token of the trigger is left free; the answer parser makes of it what it can.
      if (!native.canAccept(state, part.token)) return undefined
      native.acceptToken(state, part.token)
    }
    return state
  }
}

/** One character a byte, because a token may be part of a character. */
function toByteText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

function compileAfter(context: ConstraintContext, calls: string, before: string): LlamaGrammar {
  return compile(context, `${calls}\n${entry} ::= ${before === '' ? '' : `${literal(before)} `}root\n`, entry)
}

function compile({ llama, grammars }: ConstraintContext, gbnf: string, rootRuleName: string): LlamaGrammar {
  const known = grammars.get(gbnf)
  if (known !== undefined) {
    grammars.delete(gbnf)
    grammars.set(gbnf, known)
    return known
  }
  try {
    const grammar = new LlamaGrammar(llama, { grammar: gbnf, rootRuleName })
    grammars.set(gbnf, grammar)
    const oldest = grammars.keys().next()
    if (grammars.size > keptGrammars && !oldest.done) grammars.delete(oldest.value)
    return grammar
  } catch (error) {
    throw new AppError('engine_failed', `llama.cpp does not take the grammar made for this schema: ${(error as Error).message}`, { cause: error })
  }
}

function newState({ model }: ConstraintContext, grammar: LlamaGrammar): NativeGrammarState {
  return nativeGrammarState(new LlamaGrammarEvaluationState({ model, grammar }))
}
