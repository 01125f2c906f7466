import type { FastifyReply, FastifyRequest } from 'fastify'
import type { planEndpoints } from '#contracts/plan-api.ts'
import type { ToolboxSpec } from '#contracts/plan-tools.ts'
import { AppError } from '../../errors.ts'
import { audit } from '../audit.ts'
import { projectOf } from '../plan-project.ts'
import { comesFromThisMachine } from '../plugins/auth.ts'
import type { RouteContext } from './context.ts'

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown
type ToolboxName = Extract<keyof typeof planEndpoints, 'toolboxes' | 'addToolbox' | 'toolbox' | 'replaceToolbox' | 'refreshToolbox' | 'removeToolbox'>

/** Toolboxes of a project. Bodies, queries and parameters were parsed by the routes' schemas. */
export function toolboxHandlers({ services }: RouteContext): Record<ToolboxName, Handler> {
  const { toolboxes, plans, log } = services
  const idOf = (request: FastifyRequest) => (request.params as { id: string }).id
  const projectFor = (request: FastifyRequest) => projectOf(plans, request.client, (request.query as { project?: string }).project)
  const noted = (request: FastifyRequest, action: string, { id, kind, name }: { id: string; kind: string; name: string }) =>
    audit(log, request.client, action, { id, kind, name })

  return {
    toolboxes: (request) => ({ toolboxes: toolboxes.list(projectFor(request)) }),
    async addToolbox(request, reply) {
      const toolbox = await toolboxes.add(projectFor(request), specOf(request), request.client.id)
      noted(request, 'add toolbox', toolbox)
      return reply.code(201).send({ toolbox })
    },
    toolbox: (request) => ({ toolbox: toolboxes.find(projectFor(request), idOf(request)) }),
    async replaceToolbox(request) {
      const toolbox = await toolboxes.replace(projectFor(request), idOf(request), specOf(request))
      noted(request, 'replace toolbox', toolbox)
      return { toolbox }
    },
    async refreshToolbox(request) {
      const toolbox = await toolboxes.refresh(projectFor(request), idOf(request))
      noted(request, 'refresh toolbox', toolbox)
      return { toolbox }
    },
    async removeToolbox(request) {
      const toolbox = toolboxes.find(projectFor(request), idOf(request))
      await toolboxes.remove(toolbox.projectId, toolbox.id)
      noted(request, 'remove toolbox', toolbox)
      return { removed: true, id: toolbox.id }
    }
  }
}

/**
 * The description that was sent. One that names a program is only taken from who can run programs here anyway: a key that was stolen or lent must
 * not be worth a shell on this machine. Throws `forbidden`.
 */
function specOf(request: FastifyRequest): ToolboxSpec {
  const spec = request.body as ToolboxSpec
  const runsProgram = spec.kind === 'mcp' && spec.server.transport === 'stdio'
  if (!runsProgram || request.client.role === 'owner' || comesFromThisMachine(request)) return spec
  throw new AppError(
    'forbidden',
    'an MCP server that is a program is added on the machine it runs on: use outpost toolbox add there, or let the program listen and give its address'
  )
}
