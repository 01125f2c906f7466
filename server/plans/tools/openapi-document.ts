import { parse } from 'yaml'
import { AppError } from '../../errors.ts'
import { atPointer, isObject } from './json-pointer.ts'
import { excerptOf } from './tool.ts'

type JsonMap = Record<string, unknown>

/** An operation as the file has it. `id`: its `operationId`, or `GET /path` where it has none. */
export type DocumentOperation = { id: string; method: string; path: string; operation: JsonMap; parameters: JsonMap[] }
export type OpenapiDocument = { root: JsonMap; operations: DocumentOperation[] }

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']

/** Reads an OpenAPI 3 file, JSON or YAML. Throws `invalid_request` for what is none. */
export function readOpenapi(text: string): OpenapiDocument {
  const root = parseDocument(text)
  const version = root['openapi'] ?? root['swagger']
  if (typeof root['openapi'] !== 'string' || !/^3\.[0-2](\.|$)/.test(root['openapi'])) {
    throw invalid(`it must be OpenAPI 3.0 or later, got ${version === undefined ? 'no openapi field' : `version ${excerptOf(String(version), 40)}`}`)
  }
  const operations: DocumentOperation[] = []
  for (const [path, item] of Object.entries(isObject(root['paths']) ? root['paths'] : {})) {
    const resolved = resolve(root, item)
    for (const method of methods) {
      const operation = resolved?.[method]
      if (!isObject(operation)) continue
      const { operationId } = operation
      const id = typeof operationId === 'string' && operationId.trim() !== '' ? operationId : `${method.toUpperCase()} ${path}`
      operations.push({ id, method: method.toUpperCase(), path, operation, parameters: mergeParameters(root, resolved, operation) })
    }
  }
  const ids = operations.map(({ id }) => id)
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  if (twice !== undefined) throw invalid(`two operations have the id ${twice}: give each its own`)
  if (operations.length === 0) throw invalid('it has no operation')
  return { root, operations }
}

/**
 * Where the API is: the address given, or the first server of the file with the defaults of its variables, without a slash at the end.
 * Throws `invalid_request` where neither is a whole address.
 */
export function serverOf(root: JsonMap, given: string | undefined): string {
  const address = given ?? firstServer(root)
  const url = address !== undefined && URL.canParse(address) ? new URL(address) : undefined
  if (address === undefined || url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '' || url.hash !== '') {
    throw invalid(`its server must be an http(s) address without query, got ${address ?? 'none'}: give serverUrl`)
  }
  return url.href.replace(/\/+$/, '')
}

/** What a value or its reference stands for, if that is an object. References may lead on to others. */
export function resolve(root: unknown, value: unknown): JsonMap | undefined {
  let found = value
  for (let step = 0; step < 16; step++) {
    if (!isObject(found)) return undefined
    if (typeof found['$ref'] !== 'string') return found
    found = atPointer(root, found['$ref'])
  }
  return undefined
}

function parseDocument(text: string): JsonMap {
  let document: unknown
  try {
    // JSON is YAML, but its own reader is far faster. The way through JSON turns aliases into copies and leaves nothing JSON cannot say.
    document = /^\s*\{/.test(text) ? JSON.parse(text) : JSON.parse(JSON.stringify(parse(text, { logLevel: 'error', maxAliasCount: 100 })) ?? 'null')
  } catch (error) {
    throw invalid(`it cannot be read: ${excerptOf(error instanceof Error ? error.message : String(error), 200)}`)
  }
  if (!isObject(document)) throw invalid('it must be an object')
  return document
}

function firstServer(root: JsonMap): string | undefined {
  const server = Array.isArray(root['servers']) ? root['servers'][0] : undefined
  if (!isObject(server) || typeof server['url'] !== 'string') return undefined
  const variables = isObject(server['variables']) ? server['variables'] : {}
  return server['url'].replace(/\{([^}]*)\}/g, (whole, name: string) => {
    const variable = variables[name]
    return isObject(variable) && typeof variable['default'] === 'string' ? variable['default'] : whole
  })
}

/** Those of the path, unless the operation has the same one itself. */
function mergeParameters(root: JsonMap, item: JsonMap | undefined, operation: JsonMap): JsonMap[] {
  const merged = new Map<string, JsonMap>()
  for (const list of [item?.['parameters'], operation['parameters']]) {
    for (const entry of Array.isArray(list) ? list : []) {
      const parameter = resolve(root, entry)
      if (parameter === undefined) throw invalid(`a parameter refers to nothing: ${excerptOf(JSON.stringify(entry), 120)}`)
      merged.set(`${parameter['in']} ${parameter['name']}`, parameter)
    }
  }
  return [...merged.values()]
}

function invalid(reason: string): AppError {
  return new AppError('invalid_request', `the OpenAPI file cannot be used: ${reason}`, { param: 'document' })
}
