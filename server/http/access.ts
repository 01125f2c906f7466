import { endpoints } from '#contracts/api.ts'
import type { Role } from '#contracts/key.ts'

export type Access = readonly Role[] | 'public'

const everyone = ['local', 'user', 'administrator', 'owner'] as const

/** Who may use the plan engine, by its own API. */
const planUsers = ['local', 'project', 'user', 'administrator', 'owner'] as const
/** Who may register services there. */
const registrars = ['project', 'user', 'administrator', 'owner'] as const
/** Who settles there how a project works. */
const stewards = ['project', 'administrator', 'owner'] as const

/**
 * Who may call what: `METHOD /path` as the route is registered. What is not in this table is refused, and building the app fails on it,
 * so that no route is ever open by being forgotten. HEAD goes with GET.
 */
export const accessTable: ReadonlyMap<string, Access> = new Map<string, Access>([
  ['GET /', 'public'],
  ['GET /assets/*', 'public'],
  ['GET /healthz', 'public'],
  ['GET /readyz', 'public'],
  ['GET /metrics', ['local', 'administrator', 'owner']],
  // Authenticates by itself: a key may come in the query, where old services put it.
  ['GET /ws', 'public'],
  ['GET /openapi.json', 'public'],
  ['GET /docs', 'public'],
  ['GET /docs/', 'public'],
  ['GET /docs/json', 'public'],
  ['GET /docs/yaml', 'public'],
  ['GET /docs/static/index.html', 'public'],
  ['GET /docs/static/swagger-initializer.js', 'public'],
  ['GET /docs/static/*', 'public'],
  ['POST /v1/chat/completions', everyone],
  ['POST /v1/completions', everyone],
  ['POST /v1/embeddings', everyone],
  ['GET /v1/models', everyone],
  ['GET /v1/models/:id', everyone],
  ['GET /health', 'public'],
  ['POST /register/project', ['local', 'administrator', 'owner']],
  ['POST /register/service', registrars],
  ['POST /register/agent', registrars],
  ['POST /apikeys', stewards],
  ['POST /webhooks', stewards],
  ['POST /compensation-failure-webhooks', stewards],
  ['POST /orchestrations', planUsers],
  ['GET /orchestrations', planUsers],
  ['GET /orchestrations/inspections/:id', planUsers],
  ['POST /groundings', stewards],
  ['GET /groundings', planUsers],
  ['DELETE /groundings', stewards],
  ['DELETE /groundings/:name', stewards],
  ['GET /compensation-failures', planUsers],
  ['GET /compensation-failures/:id', planUsers],
  ['POST /compensation-failures/:id/resolve', stewards],
  ['POST /compensation-failures/:id/ignore', stewards],
  ...Object.values(endpoints).map(({ method, path, roles }) => [`${method} ${path}`, roles] as const)
])

/** The entry of a route, or undefined. */
export function accessOf(method: string, url: string): Access | undefined {
  return accessTable.get(`${method === 'HEAD' ? 'GET' : method} ${url}`)
}
