import type { CompensationFailure, PlanRecord, WebhookKind } from '#contracts/plan.ts'
import type { Delivery, Webhook } from '#contracts/plan-api.ts'

/** Tells the outside. What is to be sent is written down in the transaction of the event itself, and sent until it arrived or was given up. */
export type Webhooks = {
  /** Throws `invalid_request` for what is no http(s) address, `policy_denied` for one that must not be called. */
  add(projectId: string, kind: WebhookKind, url: string): { webhook: Webhook; secret: string }
  list(projectId: string, kind?: WebhookKind): Webhook[]
  remove(projectId: string, id: string): void
  /** Writes the deliveries of a final state down. Called inside the store's transaction: synchronous, and does not send. Once for each plan. */
  noteEnd(record: PlanRecord): void
  noteCompensationFailure(failure: CompensationFailure): void
  /** Sends what is due. Called after the transaction. */
  wake(): void
  deliveries(projectId: string, options?: { planId?: string; limit?: number }): Delivery[]
  /** Sends one again now. */
  redeliver(projectId: string, deliveryId: string): void
  close(): Promise<void>
}
