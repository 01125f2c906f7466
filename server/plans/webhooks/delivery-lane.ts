import type { Log } from '../../log.ts'
import type { DueDelivery, StoredWebhook, WebhookStore } from '../../store/webhooks.ts'
import type { Clock } from './clock.ts'
import type { Poster, PostOutcome } from './post.ts'
import { signBody } from './signature.ts'
import { createTargetHealth, longestWaitMs } from './target-health.ts'

/** The deliveries of one webhook: each lane waits for its own target only. */
export type DeliveryLane = {
  /** Something was written down for it. */
  note(): void
  /** Sends what is due, and sets a timer for what is due next. */
  wake(): void
  /** As `wake`, and without waiting for a target that was away. */
  retryNow(): void
  /** Begins nothing any more. Resolves when nothing is under way. */
  stop(): Promise<void>
  /** Begins nothing any more, and leaves what is under way as it is written down: unsent. */
  abandon(): void
}

export type LaneOptions = { webhook: StoredWebhook; store: WebhookStore; poster: Poster; clock: Clock; random: () => number; log: Log }

/** A delivery is tried for so long, … */
const tryForMs = 24 * 3_600_000
/** … and not given up before its target was away for so long without a break, or refused it so often: a clock that was set, or a machine that was off, proves nothing. */
const leastAwayMs = 3_600_000
const leastRefusals = 20

export function createDeliveryLane({ webhook, store, poster, clock, random, log }: LaneOptions): DeliveryLane {
  const health = createTargetHealth({ elapsed: clock.elapsed, random })
  const underWay = new Map<string, Promise<void>>()
  let mayBeDue = true
  let timer: { cancel: () => void; isPause: boolean } | undefined
  let isStopped = false
  let isAbandoned = false

  const setTimer = (milliseconds: number, isPause: boolean) => {
    const cancel = clock.after(milliseconds, () => {
      timer = undefined
      mayBeDue = true
      wake()
    })
    timer = { cancel, isPause }
  }

  const wake = () => {
    try {
      sendDue()
    } catch (error) {
      hold(error)
      setTimer(health.pauseMs(), true)
    }
  }

  /** The outbox cannot be read or written. Everything is still in it, and must not be sent again and again while that lasts. */
  const hold = (error: unknown) => {
    health.missed(health.begin(), 0)
    log.error({ err: error, webhookId: webhook.id }, 'the outbox of a webhook cannot be used')
  }

  const sendDue = () => {
    const pauseMs = health.pauseMs()
    if (isStopped || !mayBeDue || (pauseMs > 0 && timer?.isPause === true)) return
    timer?.cancel()
    timer = undefined
    if (pauseMs > 0) {
      setTimer(pauseMs, true)
      return
    }
    const free = health.atOnce - underWay.size
    // The end of one that is under way wakes again.
    if (free <= 0) return
    const now = clock.now()
    const due = store.due(webhook.id, now, free + underWay.size).filter(({ id }) => !underWay.has(id))
    for (const delivery of due.slice(0, free)) send(delivery)
    if (due.length < free) waitForNext(now)
  }

  const waitForNext = (now: number) => {
    mayBeDue = false
    const next = store.nextDue(webhook.id, now)
    if (next === undefined) return
    if (next - now <= longestWaitMs) {
      setTimer(next - now, false)
      return
    }
    // Nothing waits for so long: the clock was set back.
    store.release(webhook.id, now)
    mayBeDue = true
    sendDue()
  }

  const send = (delivery: DueDelivery) => {
    const begun = health.begin()
    const sent = poster.post(webhook.url, headersOf(delivery), delivery.body).then((outcome) => {
      underWay.delete(delivery.id)
      if (isAbandoned) return
      settle(delivery, outcome, begun)
      mayBeDue = true
      wake()
    })
    underWay.set(delivery.id, sent)
  }

  const headersOf = ({ id, event, body }: DueDelivery): Record<string, string> => ({
    'Content-Type': 'application/json',
    'User-Agent': 'orra/1.0',
    'X-Orra-Event': event,
    'X-Outpost-Delivery': id,
    'X-Outpost-Signature': signBody(webhook.secret, body, Math.floor(clock.now() / 1000)),
    // Says to an Outpost, also to this one, that whoever asked is somewhere else: on loopback that would be the right to everything.
    Via: '1.1 outpost'
  })

  const settle = (delivery: DueDelivery, outcome: PostOutcome, begun: number) => {
    try {
      if (outcome.status !== null && outcome.status >= 200 && outcome.status < 300) accepted(delivery, outcome.status)
      else failed(delivery, outcome, begun)
    } catch (error) {
      hold(error)
    }
  }

  const accepted = (delivery: DueDelivery, status: number) => {
    store.delivered(delivery.id, status, clock.now())
    if (health.accepted()) log.info({ webhookId: webhook.id }, 'a webhook target answers again')
  }

  const failed = (delivery: DueDelivery, outcome: PostOutcome, begun: number) => {
    const wasAway = health.isAway
    const attempts = delivery.attempts + 1
    const isRefusal = outcome.status !== null && !awayStatuses.has(outcome.status)
    const waitMs = isRefusal ? health.refused(begun, attempts) : health.missed(begun, outcome.status === null ? 0 : outcome.retryAfterMs)
    const now = clock.now()
    const tooOld = now - tryForMs
    const isOver = isRefusal && attempts >= leastRefusals && delivery.since <= tooOld
    const error = wordsOf(outcome)
    store.attemptFailed(delivery.id, { status: outcome.status, error, nextAt: isOver ? null : now + Math.round(waitMs) })
    const givenUp = (isOver ? 1 : 0) + (health.awayMs() >= leastAwayMs ? store.giveUp(webhook.id, tooOld, error) : 0)
    if (givenUp > 0) log.warn({ webhookId: webhook.id, deliveries: givenUp }, 'deliveries to a webhook were given up')
    else if (!wasAway && health.isAway) log.warn({ webhookId: webhook.id, status: outcome.status }, 'a webhook target does not answer')
  }

  return {
    note() {
      mayBeDue = true
    },
    wake,
    retryNow() {
      health.retryNow()
      timer?.cancel()
      timer = undefined
      mayBeDue = true
      wake()
    },
    async stop() {
      isStopped = true
      timer?.cancel()
      await Promise.all(underWay.values())
    },
    abandon() {
      isStopped = true
      isAbandoned = true
      timer?.cancel()
    }
  }
}

/** Answers that say nothing of the message: somebody before the target, or a target that is not able to now. */
const awayStatuses = new Set([408, 429, 502, 503, 504])

function wordsOf(outcome: PostOutcome): string {
  if (outcome.status === null) return outcome.error
  const isRedirect = outcome.status >= 300 && outcome.status < 400
  return `answered ${outcome.status}${isRedirect ? ', a redirect, which is not followed' : ''}`
}
