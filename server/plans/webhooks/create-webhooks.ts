import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Webhook } from '#contracts/plan-api.ts'
import { AppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { StoredWebhook, WebhookStore } from '../../store/webhooks.ts'
import type { AddressGuard } from './address-guard.ts'
import { type Clock, systemClock } from './clock.ts'
import { createDeliveryLane, type DeliveryLane } from './delivery-lane.ts'
import { toCompensationEvent, toPlanEvent, type WebhookEvent } from './event-body.ts'
import { createPoster } from './post.ts'
import { newSecret } from './signature.ts'
import type { Webhooks } from './webhooks.ts'

export type WebhooksOptions = {
  store: WebhookStore
  guard: AddressGuard
  log: Log
  clock?: Clock
  /** 0 … 1, for jitter. */
  random?: () => number
  /** Of one message, from the connection to the answer. */
  timeoutMs?: number
  /** What is under way at `close` may still end for so long, so that it need not be sent twice. */
  closingMs?: number
}

/** Of one kind in one project: every event is sent to each. */
const mostWebhooks = 50
const defaultListed = 100
/** The log of deliveries goes back so far, at most. */
const kept = { days: 30, most: 10_000, mostBytes: 256 * 1024 * 1024 }
/** Deliveries of a project after which what is too old is looked for. */
const pruneAfter = 200

/**
 * Begins where an earlier process stopped: call `wake` when everything is up. Each message carries `X-Orra-Event`, `X-Outpost-Signature`
 * (`signature.ts`) and `X-Outpost-Delivery`, the same for every sending of one delivery: a process that ends between an answer and writing it
 * down sends it again.
 */
export function createWebhooks({
  store,
  guard,
  log,
  clock = systemClock,
  random = Math.random,
  timeoutMs = 10_000,
  closingMs = 2000
}: WebhooksOptions): Webhooks {
  const poster = createPoster({ guard, timeoutMs })
  const webhooks = new Map<string, StoredWebhook>()
  const lanes = new Map<string, DeliveryLane>()
  const unpruned = new Map<string, number>()
  let isClosed = false

  const open = (webhook: StoredWebhook) => {
    webhooks.set(webhook.id, webhook)
    lanes.set(webhook.id, createDeliveryLane({ webhook, store, poster, clock, random, log }))
  }
  const prune = (projectId: string) => {
    unpruned.set(projectId, 0)
    store.prune(projectId, { before: clock.now() - kept.days * 86_400_000, most: kept.most, mostBytes: kept.mostBytes })
  }
  const webhooksOf = (projectId: string, kind: Webhook['kind'] | undefined) =>
    [...webhooks.values()].filter((webhook) => webhook.projectId === projectId && (kind === undefined || webhook.kind === kind))
  const note = (kind: Webhook['kind'], about: { projectId: string; subject: string; planId: string }, toEvent: () => WebhookEvent | undefined) => {
    const targets = webhooksOf(about.projectId, kind)
    const event = targets.length === 0 ? undefined : toEvent()
    if (event === undefined) return
    const now = clock.now()
    for (const { id, url } of targets) {
      if (!store.enqueue({ id: randomUUID(), webhookId: id, url, event: event.type, body: event.body, ...about }, now)) continue
      lanes.get(id)?.note()
      unpruned.set(about.projectId, (unpruned.get(about.projectId) ?? 0) + 1)
    }
  }

  for (const webhook of store.all()) open(webhook)
  for (const projectId of new Set([...webhooks.values()].map((webhook) => webhook.projectId))) prune(projectId)

  return {
    add(projectId, kind, url) {
      guard.checkUrl(url)
      const same = webhooksOf(projectId, kind)
      // Clients add theirs at every start; two of them would tell everything twice.
      const existing = same.find((webhook) => webhook.url === url)
      if (existing !== undefined) return { webhook: withoutSecret(existing), secret: existing.secret }
      if (same.length >= mostWebhooks) {
        throw new AppError('invalid_request', `a project has at most ${mostWebhooks} webhooks of a kind; remove one that is not used`, {
          param: 'url'
        })
      }
      const webhook = { id: randomUUID(), projectId, kind, url, secret: newSecret(), createdAt: clock.now() }
      store.add(webhook)
      open(webhook)
      return { webhook: withoutSecret(webhook), secret: webhook.secret }
    },
    list: (projectId, kind) => webhooksOf(projectId, kind).map(withoutSecret),
    remove(projectId, id) {
      if (webhooks.get(id)?.projectId !== projectId) {
        throw new AppError('not_found', `there is no webhook ${JSON.stringify(id.slice(0, 64))} in this project; list them for their ids`)
      }
      store.remove(id, 'its webhook was removed')
      lanes.get(id)?.abandon()
      lanes.delete(id)
      webhooks.delete(id)
    },
    noteEnd: (record) => note('plan', { projectId: record.projectId, subject: record.id, planId: record.id }, () => toPlanEvent(record)),
    noteCompensationFailure: (failure) =>
      note('compensation', { projectId: failure.projectId, subject: failure.id, planId: failure.planId }, () => toCompensationEvent(failure)),
    wake() {
      if (isClosed) return
      for (const lane of lanes.values()) lane.wake()
      for (const [projectId, deliveries] of unpruned) if (deliveries >= pruneAfter) prune(projectId)
    },
    deliveries: (projectId, { planId, limit = defaultListed } = {}) =>
      store.deliveries(projectId, { limit, ...(planId === undefined ? {} : { planId }) }),
    redeliver(projectId, deliveryId) {
      const delivery = store.find(projectId, deliveryId)
      if (delivery === undefined) {
        throw new AppError('not_found', `there is no delivery ${JSON.stringify(deliveryId.slice(0, 64))} in this project; it may be too old`)
      }
      if (!store.requeue(deliveryId, clock.now())) throw new AppError('conflict', 'the webhook of this delivery was removed; add it again first')
      lanes.get(delivery.webhookId)?.retryNow()
    },
    async close() {
      isClosed = true
      const ended = Promise.all([...lanes.values()].map((lane) => lane.stop()))
      const giveUp = new AbortController()
      await Promise.race([ended, wait(closingMs, undefined, { signal: giveUp.signal }).catch(() => {})])
      giveUp.abort()
      for (const lane of lanes.values()) lane.abandon()
      poster.close()
      await ended
    }
  }
}

function withoutSecret({ id, projectId, kind, url, createdAt }: StoredWebhook): Webhook {
  return { id, projectId, kind, url, createdAt }
}
