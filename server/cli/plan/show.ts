import { parseArgs } from 'node:util'
import type { PlanningAttempt } from '#contracts/plan.ts'
import { isFinal, type PlanDetails } from '#contracts/plan-api.ts'
import { loadConfig } from '../../config.ts'
import { oneArgument } from '../arguments.ts'
import { needServer } from '../client.ts'
import { harmless, paint, say, sayJson } from '../terminal.ts'
import { eventLines } from './event-lines.ts'
import { graphLines } from './graph-lines.ts'
import { projectOption, projectQuery } from './project-option.ts'
import { createTaskRows } from './task-rows.ts'
import { taskTable } from './task-table.ts'
import { failureLines, iconOf, inDate, inShortTime, paintIcon, wordOf } from './words.ts'

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: {
      ...projectOption,
      events: { type: 'boolean', default: false },
      attempts: { type: 'boolean', default: false },
      graph: { type: 'boolean', default: false },
      pddl: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false }
    },
    allowPositionals: true
  })
  const id = oneArgument(positionals, 'ID')
  const client = await needServer(loadConfig())
  const input = { params: { id }, query: await projectQuery(client, values.project) }
  const details = await client.call('plan', input)
  const graph = values.graph ? await client.call('planGraph', input) : undefined
  const pddl = values.pddl ? await client.call('planPddl', input) : undefined
  const attempts = values.attempts ? (await client.call('planAttempts', input)).attempts : undefined
  if (values.json) {
    sayJson({
      ...details,
      ...(pddl === undefined ? {} : { pddl }),
      ...(graph === undefined ? {} : { graph }),
      ...(attempts === undefined ? {} : { attempts })
    })
    return 0
  }
  const parts = [
    head(details),
    tasks(details),
    ...(graph === undefined ? [] : [titled('Graph', graphLines(graph))]),
    ...(pddl === undefined ? [] : [titled('PDDL', [pddl.domain, pddl.problem])]),
    ...(values.events ? [titled('Events', eventLines(details))] : []),
    ...(attempts === undefined ? [] : [attempts.length === 0 ? 'No model was asked for this plan.' : attempts.map(attemptText).join('\n\n')]),
    results(details)
  ]
  say(parts.filter((part) => part !== '').join('\n\n'))
  return 0
}

function head({ plan }: PlanDetails): string {
  const { id, status, action, data, cache, warnings, grounding, failure, createdAt, changedAt, clientId, deadlineAt } = plan
  const time = isFinal(status) ? `after ${inShortTime(changedAt - createdAt)}` : `since ${inShortTime(Date.now() - createdAt)}`
  const rows: [string, string][] = [
    ['Action', action],
    ...data.map(({ field, value }, index): [string, string] => [index === 0 ? 'Data' : '', `${field} = ${JSON.stringify(value)}`]),
    ['Asked', `${inDate(createdAt)} by ${clientId}`],
    ...(deadlineAt === null ? [] : [['Deadline', inDate(deadlineAt)] as [string, string]]),
    ...(cache === null ? [] : [['Cache', `${cache.outcome} – ${cache.reason}`] as [string, string]]),
    ...(grounding === null ? [] : [['Grounding', grounding] as [string, string]]),
    ...warnings.map((warning, index): [string, string] => [index === 0 ? 'See to it' : '', warning]),
    ...(failure === null ? [] : failureLines(failure).map((line, index): [string, string] => [index === 0 ? 'Why' : '', line]))
  ]
  return [
    `${paintIcon(iconOf(status))} ${paint('bold', id)}  ${wordOf(status)} ${time}`,
    ...rows.map(([name, value]) => `${paint('dim', name.padEnd(10))} ${harmless(value)}`)
  ].join('\n')
}

function tasks({ events, services, plan }: PlanDetails): string {
  const rows = createTaskRows((service) => services.find(({ id }) => id === service)?.name ?? service)
  for (const event of events) rows.add(event)
  const all = rows.list()
  // What never ended in an ended plan stopped when that did.
  return all.length === 0 ? '' : taskTable(all, isFinal(plan.status) ? plan.changedAt : Date.now())
}

function results({ plan: { results, abortPayload } }: PlanDetails): string {
  const json = (value: unknown) => harmless(JSON.stringify(value, null, 2)).split('\n')
  return [
    ...(abortPayload === null ? [] : [titled('What the service said that aborted it', json(abortPayload))]),
    ...(results === null ? [] : [titled(results.length === 1 ? 'Result' : 'Results', json(results.length === 1 ? results[0] : results))])
  ].join('\n\n')
}

function attemptText({ attempt, phase, model, prompt, answer, reasoning, findings, promptTokens, completionTokens, ms }: PlanningAttempt): string {
  const verdict = findings.length === 0 ? paint('green', 'valid') : findings.map((finding) => `${paint('red', '✕')} ${harmless(finding)}`).join('\n')
  return [
    titled(`Attempt ${attempt}${phase === 'whole' ? '' : `, ${phase}`}`, [
      `${harmless(model)}, ${promptTokens} + ${completionTokens} tokens, ${inShortTime(ms)}`,
      verdict
    ]),
    titled('Prompt', [harmless(prompt)]),
    ...(reasoning === '' ? [] : [titled('Reasoning', [harmless(reasoning)])]),
    titled('Answer', [harmless(answer)])
  ].join('\n\n')
}

function titled(title: string, lines: string[]): string {
  return [paint('bold', title), ...lines].join('\n')
}
