import type { CompensationFailure, Grounding, Service } from '#contracts/plan.ts'
import type { Project } from '#contracts/plan-api.ts'

/** A project just registered. `apiKey` is shown this once. */
export function toProjectRecord(project: Project, apiKey: string, webhooks: string[], compensationFailureWebhooks: string[]): object {
  return {
    id: project.id,
    name: project.name,
    apiKey,
    additionalAPIKeys: [],
    webhooks,
    compensationFailureWebhooks,
    createdAt: toTime(project.createdAt),
    updatedAt: toTime(project.updatedAt)
  }
}

export function toRegistrationReply({ id, name, revertible, version }: Service): object {
  return { id, name, status: 'registered', revertible, version }
}

export function toGroundingRecord(grounding: Grounding, projectId: string): object {
  return { projectID: projectId, ...grounding }
}

/** `ttl` is milliseconds, times are RFC 3339. */
export function toCompensationFailureRecord(failure: CompensationFailure): object {
  const { planId, compensation, createdAt, resolvedAt, ...rest } = failure
  return {
    ...rest,
    orchestrationId: planId,
    compensationData: { data: compensation.data, context: compensation.context, ttl: compensation.ttlMs },
    timestamp: toTime(createdAt),
    resolvedAt: resolvedAt === null ? null : toTime(resolvedAt)
  }
}

function toTime(at: number): string {
  return new Date(at).toISOString()
}
