import type { JsonSchema } from '#contracts/chat.ts'
import type { ActionParameter, Diagnosis, Grounding, Plan, PlanningAttempt, Service, UseCase } from '#contracts/plan.ts'

/** One call of a model. */
export type Completion = {
  text: string
  /** What the model thought before, where it is told apart. */
  reasoning: string
  model: string
  promptTokens: number
  completionTokens: number
  /** `length`: it was cut off. */
  finishReason: 'stop' | 'length'
}

export type CompletionOrder = {
  system: string
  user: string
  /** Enforced as a grammar where the engine can; elsewhere the answer is only asked for in this form. */
  schema: JsonSchema
  /** Of the answer. */
  maxTokens: number
  /** What a model may think before it answers, beside `maxTokens`; it is asked for its answer then. Absent: it is not to think. */
  thinkingTokens?: number
  /** Whose usage it is. */
  clientId: string
  requestId: string
  /** Called with the length of the answer so far and how the waiting goes. */
  onProgress?: (progress: PlanningProgress) => void
}

/** `grammar`: whether `schema` is enforced while generating. Throws AppError. */
export type PlanningModel = {
  readonly grammar: boolean
  /** Below about a billion weights: it repeats what it read last rather than judge. */
  isSmall?(): boolean
  /** Tokens of prompt and answer together, as far as that is known. */
  contextWindow?(): number | undefined
  complete(order: CompletionOrder, signal: AbortSignal): Promise<Completion>
}

/** Texts → vectors of length 1. Undefined: this machine has no embedding model ready. */
export type Embed = (texts: string[], signal?: AbortSignal) => Promise<Float32Array[] | undefined>

export type PlanningProgress =
  | { type: 'waiting'; position: number; etaMs: number | null }
  | { type: 'loading'; percent: number }
  | { type: 'attempt'; attempt: number; phase: PlanningAttempt['phase'] }
  | { type: 'thinking' | 'writing'; characters: number }

/** A use case that applies to the action. `index`: its place in the grounding. */
export type GroundingHit = { grounding: Grounding; useCase: UseCase; index: number; similarity: number }

export type PlanningRequest = {
  action: string
  data: ActionParameter[]
  /** At least one. */
  services: Service[]
  grounding: GroundingHit | undefined
  /** A plan of a similar action, to be shown as an example. */
  example: { action: string; plan: Plan } | undefined
  /** What speaks against a plan that passed all other checks, in words for the model and for people. */
  review?: (plan: Plan, signal: AbortSignal) => Promise<string[]>
  clientId: string
  requestId: string
  /** Unix milliseconds; no attempt begins after it, and one that runs is stopped. */
  deadlineAt: number
  onProgress?: (progress: PlanningProgress) => void
  /** Called with each call of the model as it ends. */
  onAttempt?: (attempt: PlanningAttempt) => void
}

export type PlanningOutcome =
  | { type: 'planned'; plan: Plan }
  /** The model says that these services cannot do this. */
  | { type: 'not-actionable'; reason: string }
  /** No attempt gave a valid plan. `message`: the last findings in words. */
  | { type: 'failed'; message: string; diagnosis: Diagnosis }

/** Makes plans. The deterministic planner of tests is one too. */
export type Planner = {
  plan(request: PlanningRequest, signal: AbortSignal): Promise<PlanningOutcome>
}
