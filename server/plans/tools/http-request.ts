import type { Json, JsonObject } from '#contracts/plan.ts'
import { AppError } from '../../errors.ts'
import { toText } from './tool.ts'

export type ParameterStyle = 'simple' | 'form' | 'spaceDelimited' | 'pipeDelimited' | 'deepObject'

/** `input`: the input of the service that it is given by. `json`: its value goes as JSON. */
export type HttpParameter = { input: string; name: string; in: 'path' | 'query' | 'header'; style: ParameterStyle; explode: boolean; json: boolean }

/** Which inputs make the body: one, or one for each of its fields. */
export type HttpBody = { type: 'whole'; input: string } | { type: 'fields'; fields: { input: string; name: string }[]; required: boolean }

export type HttpOperation = { method: string; path: string; parameters: HttpParameter[]; body: HttpBody | undefined }

export type HttpRequest = { method: string; url: URL; headers: [string, string][]; body: string | undefined }

/**
 * The request that an operation is, with these inputs. Throws `invalid_request` for a value that cannot stand where it belongs: also what would
 * lead to another path than the operation's.
 */
export function toHttpRequest(server: string, operation: HttpOperation, input: JsonObject): HttpRequest {
  let path = operation.path
  const query: string[] = []
  const headers: [string, string][] = []
  for (const parameter of operation.parameters) {
    const value = input[parameter.input]
    if (parameter.in === 'path') path = path.replaceAll(`{${parameter.name}}`, () => toSegment(parameter, value))
    else if (value === undefined || value === null) continue
    else if (parameter.in === 'query') query.push(...toQuery(parameter, value))
    else headers.push([parameter.name, toHeader(parameter, value)])
  }
  const body = toBody(operation.body, input)
  if (body !== undefined) headers.push(['content-type', 'application/json'])
  const url = new URL(`${server}${path}${query.length > 0 ? `?${query.join('&')}` : ''}`)
  return { method: operation.method, url, headers, body }
}

function toSegment(parameter: HttpParameter, value: Json | undefined): string {
  if (value === undefined || value === null) throw new AppError('invalid_request', `${parameter.input} is missing`, { param: parameter.input })
  const segment = parameter.json ? encode(JSON.stringify(value)) : listOf(value, parameter.explode).join(',')
  // Dots are not escaped, and addresses go up by them.
  if (/^\.{0,2}$/.test(segment)) {
    throw new AppError('invalid_request', `${parameter.input} stands in a path and cannot be ${JSON.stringify(segment)}`, { param: parameter.input })
  }
  return segment
}

function toQuery({ name, style, explode, json }: HttpParameter, value: Json): string[] {
  const key = encode(name)
  if (json || typeof value !== 'object' || value === null) return [`${key}=${encode(json ? JSON.stringify(value) : toText(value))}`]
  if (!Array.isArray(value)) {
    const fields = Object.entries(value)
    if (style === 'deepObject') return fields.map(([field, one]) => `${encode(`${name}[${field}]`)}=${encode(toText(one))}`)
    if (explode) return fields.map(([field, one]) => `${encode(field)}=${encode(toText(one))}`)
  }
  if (Array.isArray(value) && explode) return value.map((one) => `${key}=${encode(toText(one))}`)
  const between = style === 'spaceDelimited' ? '%20' : style === 'pipeDelimited' ? '%7C' : ','
  return [`${key}=${listOf(value, false).join(between)}`]
}

function toHeader({ input, json, explode }: HttpParameter, value: Json): string {
  const text = json ? JSON.stringify(value) : listOf(value, explode, (part) => part).join(',')
  if (/^[\t\x20-\x7e]*$/.test(text)) return text
  throw new AppError('invalid_request', `${input} stands in a header and can only have printable ASCII characters`, { param: input })
}

/** A value in pieces that a comma may stand between: of an object `name,value` or, exploded, `name=value`. */
function listOf(value: Json, explode: boolean, encodeOne: (text: string) => string = encode): string[] {
  if (Array.isArray(value)) return value.map((one) => encodeOne(toText(one)))
  if (typeof value !== 'object' || value === null) return [encodeOne(toText(value))]
  const pairs = Object.entries(value).map(([name, one]) => [encodeOne(name), encodeOne(toText(one))])
  return explode ? pairs.map((pair) => pair.join('=')) : pairs.flat()
}

function toBody(body: HttpBody | undefined, input: JsonObject): string | undefined {
  if (body === undefined) return undefined
  if (body.type === 'whole') return input[body.input] === undefined ? undefined : JSON.stringify(input[body.input])
  const fields = body.fields.filter(({ input: name }) => input[name] !== undefined)
  if (fields.length === 0 && !body.required) return undefined
  return JSON.stringify(Object.fromEntries(fields.map(({ input: from, name }) => [name, input[from]])))
}

function encode(text: string): string {
  try {
    return encodeURIComponent(text)
  } catch {
    throw new AppError('invalid_request', 'a text that goes into an address must be valid Unicode')
  }
}
