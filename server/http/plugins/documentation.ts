import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { Json, SchemaNode } from '#contracts/plan.ts'
import { version } from '../../version.ts'
import { accessOf } from '../access.ts'

/** Either header; the empty one is the caller without a key on the machine itself. */
const keyForms = [{ bearer: [] }, { apiKey: [] }, {}]

// What holds itself can be described by a name only.
Json.register(z.globalRegistry, { id: 'Json' })
SchemaNode.register(z.globalRegistry, { id: 'SchemaNode' })

/** `/openapi.json` from the routes' own schemas, and `/docs` to read it: all from this machine, with nothing fetched from elsewhere. */
export async function registerDocumentation(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Outpost',
        version,
        description:
          'Language models on your own machine. `/v1` is OpenAI’s API; `/outpost` is our own; those under “Plan engine” are what its SDKs speak. Errors always carry a stable `code`; on the machine itself no key is needed for models.'
      },
      components: {
        securitySchemes: { bearer: { type: 'http', scheme: 'bearer' }, apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' } }
      }
    },
    transform: (route) => {
      const { schema, url } = jsonSchemaTransform(route)
      const access = [route.route.method].flat().map((method) => accessOf(method, url))
      const file = route.route.config?.takesBytes === true ? { consumes: ['*/*'], body: { type: 'string', format: 'binary' } } : {}
      const security = access.includes('public') ? {} : { security: route.route.config?.planEngine === undefined ? keyForms : [{ bearer: [] }] }
      return { schema: { ...schema, ...file, ...security }, url }
    },
    transformObject: jsonSchemaTransformObject
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    transformStaticCSP: () =>
      "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    theme: { title: 'Outpost API' },
    // Without the bar that would load another API's description from elsewhere.
    uiConfig: { layout: 'BaseLayout', validatorUrl: null, deepLinking: true, persistAuthorization: false }
  })
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
}
