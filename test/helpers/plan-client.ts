/** The 202 of an order and what inspection tells, as far as tests look into it. */
export type Orchestration = {
  id: string
  status: string
  plan: { tasks: { id: string; service: string; service_name: string; input: Record<string, unknown> }[]; parallel_groups: string[][] } | null
  taskZero: Record<string, unknown> | null
  error?: unknown
} & Record<string, unknown>

export type Inspection = {
  id: string
  status: string
  tasks?: {
    id: string
    serviceId: string
    serviceName: string
    status: string
    output?: unknown
    interimResults?: { data: unknown }[]
    compensation?: { status: string; attempt: number }
    statusHistory: { status: string; timestamp: string }[]
  }[]
  results?: unknown[]
  abortInfo?: { taskId: string; payload: unknown }
  error?: unknown
} & Record<string, unknown>

export type Answer<Body> = { status: number; headers: Headers; body: Body }

/** A number of nanoseconds, or Go's text for a duration. */
export type OrderOptions = { timeout?: string | number; healthCheckGracePeriod?: string | number }

export type PlanClient = {
  readonly projectId: string
  readonly key: string
  call<Body = unknown>(method: string, path: string, body?: unknown): Promise<Answer<Body>>
  /** `data`: field → value. */
  order(action: string, data?: Record<string, unknown>, options?: OrderOptions): Promise<Answer<Orchestration>>
  /** The same; throws when it is not taken. */
  run(action: string, data?: Record<string, unknown>, options?: OrderOptions): Promise<Orchestration>
  /** Throws for a plan that is not known. */
  inspect(planId: string): Promise<Inspection>
}

/** Registers a project without a key, as the original's SDKs and command line do, and speaks for it. */
export async function registerProject(url: string, { webhooks = [] as string[] } = {}): Promise<PlanClient> {
  const registered = await call<{ id: string; apiKey: string }>(url, undefined, 'POST', '/register/project', { webhooks })
  if (registered.status !== 201) throw new Error(`the project was not registered: ${registered.status} ${JSON.stringify(registered.body)}`)
  const { id, apiKey } = registered.body

  const client: PlanClient = {
    projectId: id,
    key: apiKey,
    call: (method, path, body) => call(url, apiKey, method, path, body),
    order(action, data = {}, options = {}) {
      const fields = Object.entries(data).map(([field, value]) => ({ field, value }))
      return call(url, apiKey, 'POST', '/orchestrations', { action: { type: 'test', content: action }, data: fields, ...options })
    },
    async run(action, data, options) {
      const { status, body } = await client.order(action, data, options)
      if (status !== 202) throw new Error(`"${action}" was not taken: ${status} ${JSON.stringify(body)}`)
      return body
    },
    async inspect(planId) {
      const { status, body } = await call<Inspection>(url, apiKey, 'GET', `/orchestrations/inspections/${planId}`)
      if (status !== 200) throw new Error(`${planId} cannot be inspected: ${status} ${JSON.stringify(body)}`)
      return body
    }
  }
  return client
}

async function call<Body>(url: string, key: string | undefined, method: string, path: string, body?: unknown): Promise<Answer<Body>> {
  const headers: Record<string, string> = {}
  if (key !== undefined) headers['authorization'] = `Bearer ${key}`
  if (body !== undefined) headers['content-type'] = 'application/json'
  const response = await fetch(url + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: (text === '' ? undefined : JSON.parse(text)) as Body }
}
