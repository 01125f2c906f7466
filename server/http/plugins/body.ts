import { isUtf8 } from 'node:buffer'
import type { FastifyInstance } from 'fastify'
import { AppError } from '../../errors.ts'
import { jsonDepth } from '../../json-depth.ts'

/** Levels of arrays and objects a body may nest. */
export const maxDepth = 64

/** Above this the nesting is checked before parsing, because millions of nested brackets would cost gigabytes as objects. */
const scanAbove = 256 * 1024

/** Takes JSON and nothing else. An empty body is no body: routes that need one say so. */
export function registerBodyParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseBody(body as Buffer)) // parseAs: 'buffer'
    } catch (error) {
      done(error as AppError) // parseBody throws nothing else
    }
  })
}

/** Bytes → value. Throws `invalid_json` for what is not UTF-8, not JSON, nested too deeply, or would reach an object's prototype. */
export function parseBody(body: Buffer): unknown {
  if (body.length === 0) return undefined
  if (!isUtf8(body)) throw new AppError('invalid_json', 'the body is not valid UTF-8; encode the JSON as UTF-8')
  if (body.length > scanAbove && jsonDepth(body) > maxDepth) throw tooDeep()
  let value: unknown
  try {
    // Some editors and libraries put a byte order mark before it.
    value = JSON.parse(body.toString('utf8', hasByteOrderMark(body) ? 3 : 0))
  } catch (error) {
    throw new AppError('invalid_json', `the body is not JSON: ${positionOf(error)}`)
  }
  checkValue(value, 1)
  return value
}

function hasByteOrderMark(body: Buffer): boolean {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf
}

/** V8's message quotes the text around the fault, which may be a prompt and would be hard to read; the position says enough. */
function positionOf(error: unknown): string {
  const message = error instanceof Error ? error.message : ''
  const position = /at position (\d+)/.exec(message)?.[1]
  if (position !== undefined) return `unexpected text at position ${position}`
  return message.startsWith('Unexpected end') || message.startsWith('Unterminated') ? 'it ends too early' : 'unexpected text'
}

function checkValue(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return
  if (depth > maxDepth) throw tooDeep()
  if (Array.isArray(value)) {
    for (const entry of value) checkValue(entry, depth + 1)
    return
  }
  for (const key of Object.keys(value)) {
    const entry = (value as Record<string, unknown>)[key]
    if (key === '__proto__' || (key === 'constructor' && typeof entry === 'object' && entry !== null && Object.hasOwn(entry, 'prototype'))) {
      throw new AppError('invalid_json', `the body must not have the key ${key}; rename it`)
    }
    checkValue(entry, depth + 1)
  }
}

function tooDeep(): AppError {
  return new AppError('invalid_json', `the body is nested more than ${maxDepth} levels deep; flatten it`)
}
