import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { SchemaNode, type Service } from '#contracts/plan.ts'
import type { Toolbox, ToolboxSpec } from '#contracts/plan-tools.ts'
import { AppError, toAppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { PlanToolStore, ToolboxRow } from '../../store/plan-tools.ts'
import type { ServiceHost, ServiceHostEvents } from '../services/service-host.ts'
import type { Fetch } from './guarded-fetch.ts'
import { createLlmTools, type LlmComplete, llmOperations } from './llm-tool.ts'
import { createMcpTools } from './mcp.ts'
import { createMcpConnection, type McpConnection, McpTool } from './mcp-connection.ts'
import { checkOffer, type OfferedTools } from './offered-tools.ts'
import { createOpenapiTools } from './openapi.ts'
import { type Tool, toolServiceId } from './tool.ts'
import { createToolHost } from './tool-host.ts'
import { toView } from './toolbox-view.ts'

/** A tool as the service it becomes. Its schemas may have objects without fields: there are operations that need no input. */
export type ToolService = Pick<
  Service,
  'id' | 'projectId' | 'kind' | 'name' | 'description' | 'input' | 'output' | 'revertible' | 'approval' | 'origin'
>

export type ToolboxOptions = {
  store: PlanToolStore
  /** Makes the service, or its next version. Called inside a transaction of the store's database, as `removeService` is. */
  registerService: (service: ToolService) => void
  /** One that is gone already is no error. */
  removeService: (projectId: string, id: string) => void
  /** Undefined: there are no `llm` toolboxes here. */
  llm: { complete: LlmComplete; isReady?: () => boolean } | undefined
  /** Reaches no other addresses than those that may be called. */
  fetch: Fetch
  events: Pick<ServiceHostEvents, 'onMessage' | 'onHealth'>
  log: Log
  now?: () => number
}

/** Built-in tools of all projects. Whoever calls `add`, `replace`, `refresh` or `remove` has seen to it that `by` is an administrator. */
export type Toolboxes = {
  /**
   * Makes services of what it describes. Throws `conflict` for a name that is taken, `invalid_request` for what cannot be used, and
   * `engine_failed` for an MCP server that cannot be started or reached.
   */
  add(projectId: string, spec: ToolboxSpec, by: string): Promise<Toolbox>
  /** Another description, key or address. Its kind and name stay. Services that are the same as before keep their version. */
  replace(projectId: string, id: string, spec: ToolboxSpec): Promise<Toolbox>
  /** Takes over what an MCP server offers now. */
  refresh(projectId: string, id: string): Promise<Toolbox>
  remove(projectId: string, id: string): Promise<void>
  list(projectId: string): Toolbox[]
  /** Throws `not_found`. */
  find(projectId: string, id: string): Toolbox
  /** Carries out what services with the origins `llm`, `http` and `mcp` are asked. */
  readonly host: ServiceHost
  close(): Promise<void>
}

const Registered = z.array(
  z.object({ id: z.string(), name: z.string(), description: z.string(), input: SchemaNode, output: SchemaNode, approval: z.boolean() })
)
type Registered = z.infer<typeof Registered>
const McpTools = z.array(McpTool)

/** A toolbox at work. */
type Box = { row: ToolboxRow; offered: OfferedTools; connection: McpConnection | undefined; outdated: boolean }

/** The toolboxes in the store go to work at once; MCP servers are connected in the background. */
export function createToolbox(options: ToolboxOptions): Toolboxes {
  const { store, registerService, removeService, events, log, now = Date.now } = options
  const boxes = new Map<string, Box>()
  const tools = new Map<string, Tool>()
  const connections = new Set<McpConnection>()
  const host = createToolHost({ find: (serviceId) => tools.get(serviceId), events, log, now })
  let turn: Promise<unknown> = Promise.resolve()

  /** One change at a time: each compares with what the last one left. */
  function inTurn<Result>(change: () => Promise<Result>): Promise<Result> {
    const result = turn.then(change)
    turn = result.catch(() => {})
    return result
  }

  function connect(row: ToolboxRow): McpConnection | undefined {
    const { spec } = row
    if (spec.kind !== 'mcp') return undefined
    const connection = createMcpConnection({
      server: spec.server,
      fetch: options.fetch,
      log: log.child({ toolboxId: row.id }),
      onHealth(connected) {
        for (const { id } of registeredOf(boxes.get(row.id)?.row)) events.onHealth(id, connected)
      },
      onTools(described) {
        const box = boxes.get(row.id)
        if (box !== undefined) box.outdated = !isDeepStrictEqual(sorted(described), sorted(McpTools.parse(box.row.described)))
      }
    })
    connections.add(connection)
    return connection
  }

  async function disconnect(connection: McpConnection | undefined): Promise<void> {
    if (connection === undefined) return
    connections.delete(connection)
    await connection.close()
  }

  function offer(row: ToolboxRow, connection: McpConnection | undefined): OfferedTools {
    const { spec } = row
    if (spec.kind === 'openapi') return createOpenapiTools(spec, options)
    if (spec.kind === 'mcp' && connection !== undefined) return createMcpTools(spec, McpTools.parse(row.described), connection)
    if (spec.kind === 'llm' && options.llm !== undefined) {
      const made = createLlmTools(spec, options.llm).filter(({ operation }) => spec.only?.includes(operation) ?? true)
      return { operations: [...llmOperations], tools: made, skipped: [], notes: [], target: spec.model ?? 'the model that plans' }
    }
    throw new AppError('unsupported_feature', `this server has no ${spec.kind} toolboxes`)
  }

  /** Makes the services what the tools are: what is new or otherwise is registered, what is gone is removed. */
  function register({ row, offered }: Box): void {
    const before = new Map(registeredOf(row).map((service) => [service.id, service]))
    const wanted = toServices(row.projectId, offered.tools)
    for (const service of wanted) {
      if (!isDeepStrictEqual(before.get(service.id), service)) registerService({ ...service, ...fixedOf(row) })
      before.delete(service.id)
    }
    for (const id of before.keys()) removeService(row.projectId, id)
    row.registered = wanted
    store.update(row)
  }

  /** From now on its tools carry out what they are asked, and no others of this toolbox do. */
  function activate(box: Box): void {
    const { id, projectId } = box.row
    for (const tool of boxes.get(id)?.offered.tools ?? []) tools.delete(toolServiceId(projectId, tool.name))
    for (const tool of box.offered.tools) tools.set(toolServiceId(projectId, tool.name), tool)
    boxes.set(id, box)
  }

  function deactivate(box: Box): void {
    boxes.delete(box.row.id)
    for (const { id } of registeredOf(box.row)) {
      tools.delete(id)
      events.onHealth(id, false)
    }
  }

  /** A box of this description, not yet at work. `row.described` is asked of the server where it is one. */
  async function make(row: ToolboxRow, connection: McpConnection | undefined): Promise<Box> {
    if (connection !== undefined) row.described = await connection.tools()
    const offered = offer(row, connection)
    checkOffer(row.spec, offered)
    return { row, offered, connection, outdated: false }
  }

  function boxOf(projectId: string, id: string): Box {
    const box = boxes.get(id)
    if (box?.row.projectId === projectId) return box
    throw new AppError('not_found', `there is no toolbox ${id} in this project`)
  }

  async function change(box: Box, spec: ToolboxSpec, connection: McpConnection | undefined): Promise<Toolbox> {
    const next = await make({ ...box.row, spec }, connection)
    store.atomically(() => register(next))
    activate(next)
    tellHealth(next)
    return toView(next)
  }

  function tellHealth({ row, offered }: Box): void {
    for (const tool of offered.tools) events.onHealth(toolServiceId(row.projectId, tool.name), tool.isHealthy())
  }

  for (const row of store.list()) {
    const connection = connect(row)
    try {
      const box: Box = { row, offered: offer(row, connection), connection, outdated: false }
      // Another version of Outpost may make other services of the same description.
      store.atomically(() => register(box))
      activate(box)
    } catch (error) {
      // It stays, and says why it does not work: what an administrator has set up is not thrown away.
      const { message } = toAppError(error)
      log.error({ toolboxId: row.id, reason: message }, 'a toolbox cannot be used')
      const skipped = registeredOf(row).map(({ name }) => ({ operation: name, reason: message }))
      boxes.set(row.id, { row, offered: { operations: [], tools: [], skipped, notes: [], target: row.spec.kind }, connection, outdated: true })
    }
  }

  return {
    host,
    add: (projectId, spec, by) =>
      inTurn(async () => {
        if ([...boxes.values()].some(({ row }) => row.projectId === projectId && row.spec.name === spec.name)) {
          throw new AppError('conflict', `the project has a toolbox called ${spec.name}: change that one, or choose another name`, { param: 'name' })
        }
        const id = `t_${randomBytes(11).toString('hex')}`
        const row: ToolboxRow = { id, projectId, spec, described: [], registered: [], addedAt: now(), addedBy: by }
        const connection = connect(row)
        try {
          const box = await make(row, connection)
          store.atomically(() => {
            store.add(row)
            register(box)
          })
          activate(box)
          tellHealth(box)
          log.info({ toolboxId: id, kind: spec.kind, services: box.offered.tools.length, by }, 'a toolbox was added')
          return toView(box)
        } catch (error) {
          await disconnect(connection)
          throw error
        }
      }),
    replace: (projectId, id, spec) =>
      inTurn(async () => {
        const box = boxOf(projectId, id)
        if (spec.kind !== box.row.spec.kind || spec.name !== box.row.spec.name) {
          throw new AppError('invalid_request', 'the kind and the name of a toolbox stay: remove it, and add another', { param: 'name' })
        }
        const connection = connect({ ...box.row, spec })
        try {
          const changed = await change(box, spec, connection)
          await disconnect(box.connection)
          return changed
        } catch (error) {
          await disconnect(connection)
          throw error
        }
      }),
    refresh: (projectId, id) =>
      inTurn(async () => {
        const box = boxOf(projectId, id)
        return change(box, box.row.spec, box.connection)
      }),
    remove: (projectId, id) =>
      inTurn(async () => {
        const box = boxOf(projectId, id)
        store.atomically(() => {
          for (const service of registeredOf(box.row)) removeService(projectId, service.id)
          store.remove(id)
        })
        deactivate(box)
        log.info({ toolboxId: id }, 'a toolbox was removed')
        await disconnect(box.connection)
      }),
    list: (projectId) => [...boxes.values()].filter(({ row }) => row.projectId === projectId).map(toView),
    find: (projectId, id) => toView(boxOf(projectId, id)),
    async close() {
      await host.close()
      // Also those of a change under way, which then fails.
      await Promise.all([...connections].map(disconnect))
      await turn
    }
  }
}

function registeredOf(row: ToolboxRow | undefined): Registered {
  return row === undefined ? [] : Registered.parse(row.registered)
}

/** Their order says nothing. */
function sorted(described: McpTool[]): McpTool[] {
  return described.toSorted((one, other) => (one.name < other.name ? -1 : 1))
}

function toServices(projectId: string, tools: Tool[]): Registered {
  return tools.map(({ name, description, input, output, approval }) => {
    return { id: toolServiceId(projectId, name), name, description, input, output, approval }
  })
}

function fixedOf({ projectId, spec }: ToolboxRow): Pick<ToolService, 'projectId' | 'kind' | 'revertible' | 'origin'> {
  return { projectId, kind: 'service', revertible: false, origin: spec.kind === 'openapi' ? 'http' : spec.kind }
}
