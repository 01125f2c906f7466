import type { FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { WebhookKind } from '#contracts/plan.ts'
import { AppError } from '../../errors.ts'
import { audit } from '../audit.ts'
import { projectOf } from '../plan-project.ts'
import { ProjectBody, ServiceBody, WebhookBody } from '../wire/plan-bodies.ts'
import { toProjectRecord, toRegistrationReply } from '../wire/plan-records.ts'
import type { RouteContext } from './context.ts'
import type { PlanRoute } from './plan-engine.ts'

/** Projects, their keys and webhooks, and the services in them. */
export function registrationRoutes({ services: { plans, keys, log } }: RouteContext): PlanRoute[] {
  const newKey = (project: { id: string; name: string }, name: string) =>
    keys.create({ name, role: 'project', lane: 'planning', project: project.id }).secret

  const registerProject = (request: FastifyRequest): object => {
    const { name, webhooks, compensationFailureWebhooks } = request.body as z.output<typeof ProjectBody> // The route's schema parsed it.
    const project = plans.projects.create(name)
    try {
      for (const url of webhooks) plans.webhooks.add(project.id, 'plan', url)
      for (const url of compensationFailureWebhooks) plans.webhooks.add(project.id, 'compensation', url)
    } catch (error) {
      plans.projects.remove(project.id)
      throw error
    }
    audit(log, request.client, 'register project', { project: project.id })
    return toProjectRecord(project, newKey(project, keyName(project.name)), webhooks, compensationFailureWebhooks)
  }

  const registerService = (kind: 'service' | 'agent') => (request: FastifyRequest) => {
    const { schema, ...registration } = request.body as z.output<typeof ServiceBody> // The route's schema parsed it.
    const project = projectOf(plans, request.client)
    return toRegistrationReply(plans.services.register(project, kind, { ...registration, schema: { input: schema.input, output: schema.output } }))
  }

  const addWebhook = (kind: WebhookKind) => (request: FastifyRequest) => {
    const { url } = request.body as z.output<typeof WebhookBody> // The route's schema parsed it.
    if (url === '') throw new AppError('invalid_request', 'url must be the http or https address of a webhook, got none', { param: 'url' })
    const { webhook } = plans.webhooks.add(projectOf(plans, request.client), kind, url)
    audit(log, request.client, 'add webhook', { id: webhook.id, kind })
    return { url }
  }

  return [
    {
      method: 'POST',
      url: '/register/project',
      summary: 'Register a project; its key is shown this once',
      status: 201,
      rules: { keyless: true, failureCode: 'Orra:ProjectRegistrationFailed' },
      body: ProjectBody,
      handle: registerProject
    },
    {
      method: 'POST',
      url: '/apikeys',
      summary: 'One more key of the project; it is shown this once',
      status: 201,
      rules: { failureCode: 'Orra:ProjectAPIKeyAdditionFailed' },
      handle(request) {
        const project = plans.projects.find(projectOf(plans, request.client))
        audit(log, request.client, 'create key', { project: project.id })
        return { apiKey: newKey(project, keyName(project.name)) }
      }
    },
    {
      method: 'POST',
      url: '/webhooks',
      summary: 'Add a webhook that is told how plans end',
      status: 201,
      rules: { failureCode: 'Orra:ProjectWebhookAdditionFailed' },
      body: WebhookBody,
      handle: addWebhook('plan')
    },
    {
      method: 'POST',
      url: '/compensation-failure-webhooks',
      summary: 'Add a webhook that is told of compensations that failed',
      status: 201,
      rules: { failureCode: 'Orra:ProjectWebhookAdditionFailed' },
      body: WebhookBody,
      handle: addWebhook('compensation')
    },
    {
      method: 'POST',
      url: '/register/service',
      summary: 'Register a service or a new version of it',
      status: 200,
      body: ServiceBody,
      handle: registerService('service')
    },
    {
      method: 'POST',
      url: '/register/agent',
      summary: 'Register an agent or a new version of it',
      status: 200,
      body: ServiceBody,
      handle: registerService('agent')
    }
  ]
}

/** Keys need a name, projects do not. */
function keyName(projectName: string): string {
  const name = projectName.trim().slice(0, 100)
  return name === '' ? 'project' : name
}
