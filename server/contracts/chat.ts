import { z } from 'zod'

/** JSON Schema as the client sent it (draft 2020-12 vocabulary); the engine compiles or refuses it. */
export const JsonSchema = z.record(z.string(), z.unknown())
export type JsonSchema = z.infer<typeof JsonSchema>

export const TextPart = z.object({ type: z.literal('text'), text: z.string() })
/** `data` is base64. Only engines with vision take it; the others answer `unsupported_feature`. */
export const ImagePart = z.object({ type: z.literal('image'), mediaType: z.string(), data: z.string() })
export const ContentPart = z.discriminatedUnion('type', [TextPart, ImagePart])
export type ContentPart = z.infer<typeof ContentPart>

export const Content = z.union([z.string(), z.array(ContentPart)])
export type Content = z.infer<typeof Content>

/** `arguments` is the JSON text as the model wrote it. */
export const ToolCall = z.object({ id: z.string(), name: z.string(), arguments: z.string() })
export type ToolCall = z.infer<typeof ToolCall>

export const Message = z.discriminatedUnion('role', [
  z.object({ role: z.literal('system'), content: Content }),
  z.object({ role: z.literal('user'), content: Content }),
  z.object({ role: z.literal('assistant'), content: Content, reasoning: z.string().optional(), toolCalls: z.array(ToolCall).optional() }),
  z.object({ role: z.literal('tool'), toolCallId: z.string(), content: Content })
])
export type Message = z.infer<typeof Message>

/** A function the model may call. `strict`: arguments are held to `parameters` by grammar. */
export const Tool = z.object({
  name: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, 'a tool name is 1–64 characters of A–Z a–z 0–9 _ . -'),
  description: z.string().optional(),
  parameters: JsonSchema.default({ type: 'object', properties: {} }),
  strict: z.boolean().default(false)
})
export type Tool = z.infer<typeof Tool>

export const ToolChoice = z.discriminatedUnion('type', [
  z.object({ type: z.literal('auto') }),
  z.object({ type: z.literal('none') }),
  z.object({ type: z.literal('required') }),
  z.object({ type: z.literal('tool'), name: z.string() })
])
export type ToolChoice = z.infer<typeof ToolChoice>

export const ResponseFormat = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  /** Any JSON object. */
  z.object({ type: z.literal('json') }),
  /** JSON that validates against `schema`, enforced while generating; what cannot be enforced is refused with `unsupported_schema`. */
  z.object({ type: z.literal('json-schema'), schema: JsonSchema })
])
export type ResponseFormat = z.infer<typeof ResponseFormat>

export const limits = { stopStrings: 16, stopLength: 256, sequences: 16, tools: 128, logprobs: 20, logitBias: 1024 } as const

/**
 * The constant settings of a generation, apart from the changing parts (messages, tools). Units: temperature 0–2, probabilities 0–1, tokens.
 * What a client leaves out is as llama.cpp has it (temperature 0.8, top-k 40, top-p 0.95, min-p 0.05): unfiltered sampling at temperature 1
 * makes small models babble.
 */
export const Generation = z.object({
  temperature: z.number().min(0).max(2).default(0.8),
  topP: z.number().gt(0).max(1).default(0.95),
  /** 0 = off. */
  topK: z.int().min(0).max(1_000_000).default(40),
  minP: z.number().min(0).max(1).default(0.05),
  /** Tokens to generate at most, per sequence. Absent: until the model stops, or the context window is full (`length`). */
  maxTokens: z.int().min(1).max(10_000_000).optional(),
  /** Same seed, same settings, same model: same answer on the same machine. */
  seed: z.int().min(-2147483648).max(4294967295).optional(),
  /** Generation ends before the first of these appears in the answer. */
  stop: z.array(z.string().min(1).max(limits.stopLength)).max(limits.stopStrings).default([]),
  /** Number of answers. */
  n: z.int().min(1).max(limits.sequences).default(1),
  frequencyPenalty: z.number().min(-2).max(2).default(0),
  presencePenalty: z.number().min(-2).max(2).default(0),
  /** Multiplicative, llama.cpp's `repeat_penalty`; 1 = off. */
  repeatPenalty: z.number().min(0.1).max(2).default(1),
  /** Token id → −100 (never) … 100 (always). */
  logitBias: z
    .record(z.string().regex(/^\d{1,9}$/, 'a token id'), z.number().min(-100).max(100))
    .refine((bias) => Object.keys(bias).length <= limits.logitBias, `at most ${limits.logitBias} tokens`)
    .default({}),
  responseFormat: ResponseFormat.default({ type: 'text' }),
  /** Settings that only one engine knows, validated by that engine against its own allow-list. */
  extensions: z.record(z.string(), z.unknown()).default({})
})
export type Generation = z.infer<typeof Generation>

/** Output that must be asked for. */
export const Features = z.object({
  /** Split reasoning (`<think>` and the like) from the answer into `reasoning-delta` events. Off: the text stays in the answer as the model wrote it. */
  reasoning: z.boolean().default(false),
  /** Alternatives per token to report, 0 = only the chosen one. Absent: no log probabilities. */
  logprobs: z.int().min(0).max(limits.logprobs).optional()
})
export type Features = z.infer<typeof Features>

/** What every dialect is mapped to, and every engine understands. Either `messages` (through the model's chat template) or `prompt` (continued as it stands). */
export const ChatRequest = z
  .object({
    model: z.string().min(1).max(256),
    messages: z.array(Message).max(100_000).default([]),
    prompt: z.string().optional(),
    tools: z.array(Tool).max(limits.tools).default([]),
    toolChoice: ToolChoice.default({ type: 'auto' }),
    parallelToolCalls: z.boolean().default(true),
    generation: Generation.prefault({}),
    features: Features.prefault({})
  })
  .refine((request) => request.messages.length > 0 !== (request.prompt !== undefined), {
    message: 'give either messages (at least one) or prompt',
    path: ['messages']
  })
  .refine(({ tools, toolChoice }) => tools.length > 0 || (toolChoice.type !== 'required' && toolChoice.type !== 'tool'), {
    message: 'must not ask for a call where there are no tools',
    path: ['toolChoice']
  })
  .refine(({ tools }) => new Set(tools.map(({ name }) => name)).size === tools.length, {
    message: 'must have another name for each tool',
    path: ['tools']
  })
export type ChatRequest = z.infer<typeof ChatRequest>

/** Texts → vectors. `dimensions`: the first so many values, normalised again (Matryoshka models). */
export const EmbedRequest = z.object({
  model: z.string().min(1).max(256),
  input: z.array(z.string().min(1, 'an empty text has no embedding')).min(1).max(2048),
  dimensions: z.int().min(1).max(65_536).optional()
})
export type EmbedRequest = z.infer<typeof EmbedRequest>
