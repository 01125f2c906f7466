import type { CompensationFailure, PlanRecord, WebhookKind } from '#contracts/plan.ts'

/** A place that wants to hear. `secret` signs what is sent there; it is shown when the webhook is made and to administrators. */
export type Webhook = { id: string; projectId: string; kind: WebhookKind; url: string; createdAt: number }

export type Delivery = {
  id: string
  webhookId: string
  url: string
  event: string
  planId: string
  state: 'waiting' | 'delivered' | 'failed'
  attempts: number
  /** Of the last attempt. */
  status: number | null
  error: string | null
  nextAt: number | null
  createdAt: number
  deliveredAt: number | null
}

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
