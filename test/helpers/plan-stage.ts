import type { Ending } from './on-end.ts'
import { type PlanClient, registerProject } from './plan-client.ts'
import { connectPlanService, type PlanService, type PlanServiceOptions } from './plan-service.ts'
import { type DraftPlan, startPlanningEndpoint } from './planning-endpoint.ts'
import { startTestServer, type TestServer, type TestServerOptions } from './server.ts'
import { startWebhookReceiver, type WebhookReceiver } from './webhook-receiver.ts'

/** A server whose plans are what a test says, with one place for webhooks. */
export type PlanStage = {
  readonly server: TestServer
  readonly webhooks: WebhookReceiver
  /** What the model was sent, in order. */
  readonly prompts: string[]
  /** Called with each prompt, before it is answered. */
  onPrompt: (prompt: string) => Promise<void> | void
  /** What the model answers an action with, in this and every later server of the stage. */
  plans(action: string, draft: () => DraftPlan): void
  /** A project with the webhook. */
  project(): Promise<PlanClient>
  service(project: PlanClient, options: Omit<PlanServiceOptions, 'url' | 'projectKey'>): Promise<PlanService>
  /** Kills the server without a warning. */
  kill(): Promise<void>
  /** Starts the next one on the same home and port. */
  restart(): Promise<void>
}

export async function startPlanStage(t: Ending, env: NonNullable<TestServerOptions['env']> = {}): Promise<PlanStage> {
  const drafts = new Map<string, () => DraftPlan>()
  const prompts: string[] = []
  const model = await startPlanningEndpoint(t, async (prompt) => {
    prompts.push(prompt)
    await stage.onPrompt(prompt)
    const [found] = [...drafts]
      .filter(([action]) => prompt.includes(action))
      .sort(([one], [two]) => prompt.lastIndexOf(two) - prompt.lastIndexOf(one))
    if (found === undefined) throw new Error('no plan was made for this action')
    return found[1]()
  })
  const options = { until: 'listening' as const, env: { LLM_API_BASE_URL: model.url, LLM_MODEL: 'scripted', ...env } }
  const webhooks = await startWebhookReceiver(t)
  let server = await startTestServer(t, options)
  const port = new URL(server.url).port
  const stage = {
    get server() {
      return server
    },
    webhooks,
    prompts,
    onPrompt: (_prompt: string): Promise<void> | void => {},
    plans: (action: string, draft: () => DraftPlan) => void drafts.set(action, draft),
    project: () => registerProject(server.url, { webhooks: [webhooks.url] }),
    service: (project: PlanClient, more: Omit<PlanServiceOptions, 'url' | 'projectKey'>) =>
      connectPlanService(t, { url: server.url, projectKey: project.key, ...more }),
    async kill() {
      server.child.kill('SIGKILL')
      await server.stop()
    },
    async restart() {
      await server.stop()
      server = await startTestServer(t, { ...options, home: server.home, args: ['--port', port] })
    }
  }
  return stage
}

/** task1 → task2 → … of these services, from the data's `message`; an array is for tasks beside each other. */
export function chainOf(...services: (PlanService | PlanService[])[]): DraftPlan {
  const tasks: DraftPlan['tasks'] = [{ id: 'task0', input: { message: '' } }]
  let from = '$task0.message'
  for (const stepServices of services) {
    const step = [stepServices].flat().map(({ id }, i) => ({ id: `task${tasks.length + i}`, service: id, input: { message: from } }))
    tasks.push(...step)
    from = `$${step[0]?.id}.message`
  }
  return { tasks }
}
