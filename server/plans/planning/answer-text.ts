import type { JsonObject } from '#contracts/plan.ts'

/** A block `<think>…</think>` that an answer begins with, and what comes after it. Anything else stays in the answer as it is. */
export function cutReasoning(text: string): { answer: string; reasoning: string } {
  const start = text.trimStart()
  const end = start.indexOf(close)
  if (!start.startsWith(open) || end < 0) return { answer: text, reasoning: '' }
  return { answer: start.slice(end + close.length), reasoning: start.slice(open.length, end) }
}

/** `reason`: `no_open_marker`, `no_close_marker`: the answer has no such block; `invalid_json`: what is in it is no JSON object. */
export type FoundJson = { ok: true; jsonText: string } | { ok: false; reason: 'no_open_marker' | 'no_close_marker' | 'invalid_json' }

/** The JSON object in the first block that is fenced as `json`. */
export function findFencedJson(answer: string): FoundJson {
  const start = answer.indexOf(fence)
  if (start < 0) return { ok: false, reason: 'no_open_marker' }
  const end = answer.indexOf('```', start + fence.length)
  if (end < 0) return { ok: false, reason: 'no_close_marker' }
  const jsonText = answer.slice(start + fence.length, end).trim()
  return toObject(jsonText) === undefined ? { ok: false, reason: 'invalid_json' } : { ok: true, jsonText }
}

/**
 * The JSON object that a model answered with, however it wrapped it: after its reasoning (also where only the end of that is marked, as happens when
 * the chat template opened it), fenced as `json` or otherwise, or bare. Undefined: there is none, or more than one bare one.
 */
export function findJsonText(text: string): string | undefined {
  const { answer } = cutReasoning(text)
  const rest = answer.slice(answer.lastIndexOf(close) < 0 ? 0 : answer.lastIndexOf(close) + close.length)
  const fenced = findFencedJson(rest)
  if (fenced.ok) return fenced.jsonText
  const otherwise = /```\w*\s*([\s\S]*?)```/.exec(rest)?.[1]
  for (const candidate of [otherwise, rest.slice(rest.indexOf('{'), rest.lastIndexOf('}') + 1)]) {
    if (candidate !== undefined && toObject(candidate) !== undefined) return candidate.trim()
  }
  return undefined
}

/** Undefined: it is not JSON, or not an object. */
export function toObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    // What JSON.parse returns is JSON.
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined
  } catch {
    return undefined
  }
}

const open = '<think>'
const close = '</think>'
const fence = '```json'
