import type { PlanRecord } from '#contracts/plan.ts'
import { isFinal } from '#contracts/plan-api.ts'
import { AppError } from '../../errors.ts'
import type { Client } from '../client.ts'
import { harmless, sayJson, tell } from '../terminal.ts'
import { createLineView, createScreenView } from './live-view.ts'
import { projectFlag } from './project-option.ts'
import { createTaskRows } from './task-rows.ts'
import { failureLines, iconOf, inShortTime, paintIcon, wordOf } from './words.ts'

type Watching = { json: boolean; signal: AbortSignal }

/** How a plan goes is told on stderr, its results come on stdout: with `json` its record. Answers the exit code. */
export async function watchPlan(
  client: Client,
  { id, action }: Pick<PlanRecord, 'id' | 'action'>,
  query: { project?: string },
  { json, signal }: Watching
): Promise<number> {
  if (!json) tell(`${id}: ${harmless(action)}`)
  const ended = await followPlan(client, id, query, process.stderr, signal)
  if (json) sayJson({ plan: ended })
  else showEnd(ended, projectFlag(query))
  return ended.status === 'completed' ? 0 : 1
}

/** Shows on `stream` how a plan goes, until it is settled. Answers how it ended. Throws `cancelled` when only the watching was stopped. */
async function followPlan(
  client: Client,
  id: string,
  query: { project?: string },
  stream: NodeJS.WriteStream,
  signal: AbortSignal
): Promise<PlanRecord> {
  const names = new Map<string, string>()
  const tasks = createTaskRows((service) => names.get(service) ?? service)
  const view = stream.isTTY ? createScreenView(stream) : createLineView(stream)
  const flag = projectFlag(query)
  let latest: PlanRecord | undefined
  let toldCache = false
  const tellCache = ({ cache }: PlanRecord) => {
    if (cache === null || toldCache) return
    toldCache = true
    view.note(`Plan cache: ${cache.outcome} – ${harmless(cache.reason)}`)
  }
  try {
    for await (const news of client.followPlan({ params: { id }, query }, signal)) {
      if (news.type === 'plan-progress') view.planning(news.progress)
      else if (news.type === 'plan-status') {
        tellCache(news.plan)
        latest = news.plan
      } else if (news.type === 'plan-event') {
        const { event } = news
        if (event.type === 'plan-started') {
          const { plan, services } = await client.call('plan', { params: { id }, query })
          for (const service of services) names.set(service.id, service.name)
          tellCache(plan)
        }
        if (!tasks.add(event)) continue
        const touched = 'task' in event ? tasks.find(event.task) : undefined
        for (const row of touched === undefined ? tasks.list() : [touched]) view.changed(row, tasks.list())
        if (event.type === 'approval-requested')
          view.note(`${harmless(event.task)} waits for you: outpost plan approve ${id} ${harmless(event.task)}${flag} (or --refuse)`)
      }
    }
    // It may have ended a while before what had to be taken back was.
    if (latest !== undefined && isFinal(latest.status)) return latest
    throw new AppError('internal_error', `the server said no more of the plan ${id}; outpost plan show ${id}${flag} tells how it stands`)
  } catch (error) {
    if (!signal.aborted) throw error
    throw new AppError('cancelled', `The plan ${id} goes on: outpost plan show ${id}${flag} shows it, outpost plan abort ${id}${flag} stops it.`)
  } finally {
    view.end()
  }
}

function showEnd(plan: PlanRecord, flag: string): void {
  const { status, results, failure, createdAt, changedAt } = plan
  tell(`${paintIcon(iconOf(status), process.stderr)} ${wordOf(status)} after ${inShortTime(changedAt - createdAt)}`)
  if (failure !== null) for (const line of failureLines(failure)) tell(line)
  const more = plan.plan === null ? '--attempts' : '--events'
  if (status !== 'completed') tell(`outpost plan show ${plan.id}${flag} ${more} tells more.`)
  if (results !== null) sayJson(results.length === 1 ? results[0] : results)
}
