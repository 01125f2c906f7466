import type { SchemaNode } from '#contracts/plan.ts'
import { AppError } from '../../errors.ts'
import { fromJsonSchema } from './from-json-schema.ts'
import type { HttpBody, HttpOperation, HttpParameter, ParameterStyle } from './http-request.ts'
import { isObject } from './json-pointer.ts'
import { type DocumentOperation, resolve } from './openapi-document.ts'
import { excerptOf } from './tool.ts'

/** How the answer becomes the output: as it is, under `result`, as text under `result`, or only its `status`. */
export type AnswerForm = 'object' | 'wrapped' | 'text' | 'status'

export type CompiledOperation = { http: HttpOperation; input: SchemaNode; output: SchemaNode; answer: AnswerForm }

/** Of one input. `from`: the part of the request it belongs to, which tells two of the same name apart. */
type Field = { from: 'path' | 'query' | 'header' | 'body'; name: string; schema: SchemaNode; required: boolean }

/** OpenAPI says that parameters of these names mean nothing: other words of the file say it. */
const impliedHeaders = new Set(['accept', 'content-type', 'authorization'])
/** Headers that the protocol and we ourselves say something with. */
const ownHeaders = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'upgrade',
  'expect',
  'te',
  'trailer',
  'keep-alive',
  'cookie',
  'idempotency-key',
  'user-agent',
  'proxy-authorization',
  'proxy-connection'
])
const styles: Record<'path' | 'query' | 'header', readonly string[]> = {
  path: ['simple'],
  query: ['form', 'spaceDelimited', 'pipeDelimited', 'deepObject'],
  header: ['simple']
}

/**
 * An operation of a document as inputs and output of a service, and how to call it. Throws `unsupported_schema` where it cannot be called with
 * JSON, or what it needs cannot be said. `closed`: a header that carries the authentication, and so is not for plans to set.
 */
export function compileOperation(root: unknown, described: DocumentOperation, notes: string[], closed: string | undefined): CompiledOperation {
  const { operation, method, path } = described
  if (method === 'TRACE') throw new AppError('unsupported_schema', 'TRACE cannot be called')
  if (Array.isArray(operation['servers']) && operation['servers'].length > 0) {
    throw new AppError('unsupported_schema', 'it has a server of its own: a toolbox speaks with one server only')
  }
  const reading = { root, notes }
  const parameters = described.parameters.flatMap((parameter) => toParameter(parameter, reading, closed) ?? [])
  const holes = [...path.matchAll(/\{([^}]*)\}/g)].map(([, name]) => name)
  const undeclared = holes.find((name) => !parameters.some((one) => one.parameter.in === 'path' && one.parameter.name === name))
  if (undeclared !== undefined) throw new AppError('unsupported_schema', `the path has {${undeclared}}, which no parameter gives`)
  const body = method === 'GET' || method === 'HEAD' ? undefined : toBody(operation['requestBody'], reading)
  const fields = [...parameters.map(({ field }) => field), ...(body?.fields ?? [])]
  const inputOf = (field: Field) =>
    fields.some((other) => other !== field && other.name === field.name) ? `${field.from}_${field.name}` : field.name
  const names = fields.map(inputOf)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new AppError('unsupported_schema', `two of its inputs are called ${twice}`)
  return {
    http: {
      method,
      path,
      parameters: parameters.map(({ field, parameter }) => ({ ...parameter, input: inputOf(field) })),
      body: body === undefined ? undefined : toHttpBody(body, inputOf)
    },
    input: {
      type: 'object',
      properties: Object.fromEntries(fields.map((field) => [inputOf(field), field.schema])),
      required: fields.filter(({ required }) => required).map(inputOf)
    },
    ...toOutput(operation['responses'], method, reading)
  }
}

type Reading = { root: unknown; notes: string[] }

/** Undefined: it is left out, and a note says so where that matters. */
function toParameter(
  parameter: Record<string, unknown>,
  { root, notes }: Reading,
  closed: string | undefined
): { field: Field; parameter: Omit<HttpParameter, 'input'> } | undefined {
  const { name, in: from } = parameter
  const required = parameter['required'] === true || from === 'path'
  const place = `${from}.${name}`
  if (typeof name !== 'string' || name === '') throw new AppError('unsupported_schema', 'a parameter has no name')
  if (from === 'header' && (impliedHeaders.has(name.toLowerCase()) || name.toLowerCase() === closed?.toLowerCase())) return undefined
  try {
    if (from !== 'path' && from !== 'query' && from !== 'header') throw new AppError('unsupported_schema', `${place} cannot be sent`)
    if (from === 'header' && ownHeaders.has(name.toLowerCase())) throw new AppError('unsupported_schema', `${place} is not for plans to set`)
    if (from === 'header' && !/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) throw new AppError('unsupported_schema', `${place} is no header's name`)
    const content = isObject(parameter['content']) ? jsonOf(parameter['content']) : undefined
    const style = parameter['style'] ?? (from === 'query' ? 'form' : 'simple')
    if (typeof style !== 'string' || !styles[from].includes(style)) throw new AppError('unsupported_schema', `${place} has the style ${style}`)
    if (parameter['content'] !== undefined && content === undefined) throw new AppError('unsupported_schema', `${place} is not sent as JSON`)
    const schema = fromJsonSchema(content === undefined ? parameter['schema'] : content['schema'], { root, use: 'input', place, notes })
    const { description } = parameter
    if (typeof description === 'string' && schema.description === undefined) schema.description = excerptOf(description, 1000)
    const explode = typeof parameter['explode'] === 'boolean' ? parameter['explode'] : style === 'form'
    return {
      field: { from, name, schema, required },
      // It is one of those of its place, by the check above.
      parameter: { name, in: from, style: style as ParameterStyle, explode, json: content !== undefined }
    }
  } catch (error) {
    if (!(error instanceof AppError) || required) throw error
    notes.push(`${error.message}; it is left out`)
    return undefined
  }
}

type Body = { form: HttpBody['type']; fields: Field[]; required: boolean }

function toBody(described: unknown, { root, notes }: Reading): Body | undefined {
  if (described === undefined) return undefined
  const body = resolve(root, described)
  const content = isObject(body?.['content']) ? body['content'] : {}
  const required = body?.['required'] === true
  const json = jsonOf(content)
  if (json === undefined) {
    const reason = `its body must be ${Object.keys(content).join(' or ') || 'unknown'}, and only JSON can be sent`
    if (required) throw new AppError('unsupported_schema', reason)
    notes.push(`${reason}; it is left out`)
    return undefined
  }
  const schema = bodySchema(json['schema'], required, { root, notes })
  if (schema === undefined) return undefined
  const properties = Object.entries(schema.properties ?? {})
  if (schema.type !== 'object' || properties.length === 0)
    return { form: 'whole', required, fields: [{ from: 'body', name: 'body', schema, required }] }
  const needed = required ? (schema.required ?? properties.map(([name]) => name)) : []
  return {
    form: 'fields',
    required,
    fields: properties.map(([name, node]) => ({ from: 'body', name, schema: node, required: needed.includes(name) }))
  }
}

/** Undefined: it cannot be said, and the operation can be called without. */
function bodySchema(schema: unknown, required: boolean, { root, notes }: Reading): SchemaNode | undefined {
  if (schema === undefined) {
    notes.push('body: its form is not described; any object is offered')
    return { type: 'object', properties: {}, required: [], description: 'The body of the request.' }
  }
  try {
    return fromJsonSchema(schema, { root, use: 'input', place: 'body', notes })
  } catch (error) {
    if (!(error instanceof AppError) || required) throw error
    notes.push(`${error.message}; it is left out`)
    return undefined
  }
}

function toHttpBody({ form, fields, required }: Body, inputOf: (field: Field) => string): HttpBody {
  const named = fields.map((field) => ({ input: inputOf(field), name: field.name }))
  return form === 'fields' ? { type: 'fields', fields: named, required } : { type: 'whole', input: named[0]?.input ?? 'body' }
}

/** What the first 2xx answer with a content is; whatever else may come is found out when it comes. */
function toOutput(described: unknown, method: string, { root, notes }: Reading): { output: SchemaNode; answer: AnswerForm } {
  const answers = Object.entries(isObject(described) ? described : {})
    .filter(([status]) => /^2(\d\d|XX)$/i.test(status))
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([, answer]) => resolve(root, answer)?.['content'] ?? [])
    .filter(isObject)
  const json = answers.map(jsonOf).find((content) => content !== undefined)
  if (method !== 'HEAD' && json !== undefined) return { ...toJsonOutput(json['schema'], { root, notes }) }
  if (method !== 'HEAD' && answers.some((content) => Object.keys(content).some((type) => type.startsWith('text/') || type === '*/*'))) {
    return { answer: 'text', output: wrap({ type: 'string', description: 'The answer, as text.' }) }
  }
  return {
    answer: 'status',
    output: { type: 'object', properties: { status: { type: 'integer', description: 'HTTP status of the answer.' } }, required: ['status'] }
  }
}

function toJsonOutput(schema: unknown, { root, notes }: Reading): { output: SchemaNode; answer: AnswerForm } {
  try {
    const node = fromJsonSchema(schema, { root, use: 'output', place: 'answer', notes })
    const asItIs = node.type === 'object' && Object.keys(node.properties ?? {}).length > 0
    return asItIs ? { answer: 'object', output: node } : { answer: 'wrapped', output: wrap(node) }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    notes.push(`${error.message}; the whole answer is given as result`)
    return { answer: 'wrapped', output: wrap({ type: 'object', description: 'The answer.' }) }
  }
}

function wrap(node: SchemaNode): SchemaNode {
  return { type: 'object', properties: { result: node }, required: ['result'] }
}

/** Of the kinds of content, the one that is JSON. */
function jsonOf(content: Record<string, unknown>): Record<string, unknown> | undefined {
  const found = Object.entries(content).find(([type]) => /^application\/([\w.+-]+\+)?json\s*(;|$)/i.test(type))?.[1]
  return isObject(found) ? found : undefined
}
