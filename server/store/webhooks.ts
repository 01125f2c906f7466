import type { Delivery, Webhook } from '#contracts/plan-api.ts'
import type { Database } from './database.ts'

/** Times are Unix milliseconds. */
export type StoredWebhook = Webhook & { secret: string }

export type NewDelivery = {
  id: string
  projectId: string
  webhookId: string
  url: string
  /** `orchestration.completed`, … */
  event: string
  /** The plan or the compensation failure it tells of: a webhook hears of each once. */
  subject: string
  planId: string
  body: string
}

export type DueDelivery = Pick<Delivery, 'id' | 'event' | 'attempts'> & { since: number; body: string }

/** Webhooks and their outbox: a delivery is a row from the moment of its event, whatever becomes of the process. */
export type WebhookStore = {
  add(webhook: StoredWebhook): void
  /** All of them, oldest first. */
  all(): StoredWebhook[]
  /** What waits for it is given up with `reason`. */
  remove(webhookId: string, reason: string): void
  /** Writes a delivery down, due now. False: the webhook has one of that subject. */
  enqueue(delivery: NewDelivery, now: number): boolean
  /** What is due at `now`, the longest first. */
  due(webhookId: string, now: number, limit: number): DueDelivery[]
  /** When the next one is due after `now`; undefined: none. */
  nextDue(webhookId: string, now: number): number | undefined
  delivered(deliveryId: string, status: number, now: number): void
  /** An attempt failed. `nextAt` null: it was the last. */
  attemptFailed(deliveryId: string, attempt: { status: number | null; error: string; nextAt: number | null }): void
  /** Gives up what has waited since before `since`. Returns how many those were. */
  giveUp(webhookId: string, since: number, error: string): number
  /** Makes all that waits due at `now`. */
  release(webhookId: string, now: number): void
  /** Makes one wait again, due at `now`. False: its webhook is gone. */
  requeue(deliveryId: string, now: number): boolean
  /** Undefined: the project has no such delivery. */
  find(projectId: string, deliveryId: string): Delivery | undefined
  /** Newest first. */
  deliveries(projectId: string, options: { planId?: string; limit: number }): Delivery[]
  /** Forgets what has ended and is older than `before`, or is not among the newest `most`, or lies behind `mostBytes` of newer bodies. */
  prune(projectId: string, options: { before: number; most: number; mostBytes: number }): void
}

export function createWebhookStore(db: Database): WebhookStore {
  const columns = `id, webhook AS webhookId, url, event, plan AS planId, state, attempts, status, error, next_at AS nextAt, created_at AS createdAt,
    delivered_at AS deliveredAt`
  const statements = {
    add: db.prepare('INSERT INTO webhooks (id, project, kind, url, secret, created_at) VALUES (?, ?, ?, ?, ?, ?)'),
    all: db.prepare<[], StoredWebhook>(
      'SELECT id, project AS projectId, kind, url, secret, created_at AS createdAt FROM webhooks ORDER BY created_at, rowid'
    ),
    remove: db.prepare('DELETE FROM webhooks WHERE id = ?'),
    stop: db.prepare("UPDATE webhook_deliveries SET state = 'failed', error = ?, next_at = NULL WHERE webhook = ? AND state = 'waiting'"),
    enqueue: db.prepare(`INSERT INTO webhook_deliveries
      (id, project, webhook, url, event, subject, plan, state, attempts, since, next_at, created_at, bytes, body)
      VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', 0, ?, ?, ?, ?, ?) ON CONFLICT (webhook, subject) DO NOTHING`),
    due: db.prepare<[string, number, number], DueDelivery>(`SELECT id, event, attempts, since, body FROM webhook_deliveries
      WHERE webhook = ? AND state = 'waiting' AND next_at <= ? ORDER BY next_at, number LIMIT ?`),
    nextDue: db.prepare<[string, number], { nextAt: number | null }>(
      "SELECT min(next_at) AS nextAt FROM webhook_deliveries WHERE webhook = ? AND state = 'waiting' AND next_at > ?"
    ),
    delivered: db.prepare(`UPDATE webhook_deliveries SET state = 'delivered', attempts = attempts + 1, status = ?, error = NULL, next_at = NULL,
      delivered_at = ? WHERE id = ?`),
    attemptFailed: db.prepare(`UPDATE webhook_deliveries SET state = ?, attempts = attempts + 1, status = ?, error = ?, next_at = ?
      WHERE id = ? AND state = 'waiting'`),
    giveUp: db.prepare(`UPDATE webhook_deliveries SET state = 'failed', error = coalesce(error, ?), next_at = NULL
      WHERE webhook = ? AND state = 'waiting' AND since <= ?`),
    release: db.prepare("UPDATE webhook_deliveries SET next_at = ? WHERE webhook = ? AND state = 'waiting' AND next_at > ?"),
    requeue: db.prepare(`UPDATE webhook_deliveries SET state = 'waiting', since = ?, next_at = ?, delivered_at = NULL
      WHERE id = ? AND webhook IN (SELECT id FROM webhooks)`),
    find: db.prepare<[string, string], Delivery>(`SELECT ${columns} FROM webhook_deliveries WHERE project = ? AND id = ?`),
    ofProject: db.prepare<[string, number], Delivery>(`SELECT ${columns} FROM webhook_deliveries WHERE project = ? ORDER BY number DESC LIMIT ?`),
    ofPlan: db.prepare<[string, string, number], Delivery>(
      `SELECT ${columns} FROM webhook_deliveries WHERE plan = ? AND project = ? ORDER BY number DESC LIMIT ?`
    ),
    dropOlder: db.prepare(`DELETE FROM webhook_deliveries WHERE state <> 'waiting' AND number IN (
      SELECT number FROM webhook_deliveries WHERE project = ? AND created_at < ?)`),
    dropBeyond: db.prepare(`DELETE FROM webhook_deliveries WHERE state <> 'waiting' AND number IN (
      SELECT number FROM webhook_deliveries WHERE project = ? ORDER BY number DESC LIMIT -1 OFFSET ?)`),
    bytes: db.prepare<[string], { total: number | null }>('SELECT sum(bytes) AS total FROM webhook_deliveries WHERE project = ?'),
    dropBehind: db.prepare(`DELETE FROM webhook_deliveries WHERE state <> 'waiting' AND number IN (
      SELECT number FROM (
        SELECT number, sum(bytes) OVER (ORDER BY number DESC) AS total FROM webhook_deliveries WHERE project = ?
      ) WHERE total > ?)`)
  }
  const prune = db.transaction((projectId: string, before: number, most: number, mostBytes: number) => {
    statements.dropOlder.run(projectId, before)
    statements.dropBeyond.run(projectId, most)
    // The sum of each row and all newer ones takes long, and is seldom needed.
    if ((statements.bytes.get(projectId)?.total ?? 0) > mostBytes) statements.dropBehind.run(projectId, mostBytes)
  })
  const remove = db.transaction((webhookId: string, reason: string) => {
    statements.stop.run(reason, webhookId)
    statements.remove.run(webhookId)
  })

  return {
    add: ({ id, projectId, kind, url, secret, createdAt }) => void statements.add.run(id, projectId, kind, url, secret, createdAt),
    all: () => statements.all.all(),
    remove: (webhookId, reason) => remove(webhookId, reason),
    enqueue: ({ id, projectId, webhookId, url, event, subject, planId, body }, now) =>
      statements.enqueue.run(id, projectId, webhookId, url, event, subject, planId, now, now, now, Buffer.byteLength(body), body).changes > 0,
    due: (webhookId, now, limit) => statements.due.all(webhookId, now, limit),
    nextDue: (webhookId, now) => statements.nextDue.get(webhookId, now)?.nextAt ?? undefined,
    delivered: (deliveryId, status, now) => void statements.delivered.run(status, now, deliveryId),
    attemptFailed: (deliveryId, { status, error, nextAt }) =>
      void statements.attemptFailed.run(nextAt === null ? 'failed' : 'waiting', status, error, nextAt, deliveryId),
    giveUp: (webhookId, since, error) => statements.giveUp.run(error, webhookId, since).changes,
    release: (webhookId, now) => void statements.release.run(now, webhookId, now),
    requeue: (deliveryId, now) => statements.requeue.run(now, now, deliveryId).changes > 0,
    find: (projectId, deliveryId) => statements.find.get(projectId, deliveryId),
    deliveries: (projectId, { planId, limit }) =>
      planId === undefined ? statements.ofProject.all(projectId, limit) : statements.ofPlan.all(planId, projectId, limit),
    prune: (projectId, { before, most, mostBytes }) => prune(projectId, before, most, mostBytes)
  }
}
