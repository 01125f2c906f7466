import type { Toolbox } from '#contracts/plan-tools.ts'
import { clip, inDate } from '../plan/words.ts'
import { harmless, paint, table } from '../terminal.ts'

const kinds: Record<Toolbox['kind'], string> = { llm: 'model', openapi: 'HTTP API', mcp: 'MCP server' }
const approvals: Record<Toolbox['approval'], string> = {
  changes: 'tasks that may change something wait for a person',
  always: 'every task waits for a person',
  never: 'no task waits for a person'
}

/** A toolbox, what became a service, and what did not and why. */
export function describeToolbox(toolbox: Toolbox): string {
  const { id, name, kind, approval, target, services, skipped, notes, outdated, addedAt, addedBy, projectId } = toolbox
  const rows: [string, string][] = [
    ['Toolbox', `${name} (${kinds[kind]})`],
    ['Target', target],
    ['Approval', approvals[approval]],
    ['Project', projectId],
    ['Added', `${inDate(addedAt)} by ${addedBy}`]
  ]
  const used = services.map(({ name: service, operation, approval: waits, healthy }) => [
    healthy ? '●' : '○',
    harmless(service),
    clip(operation, 60),
    waits ? 'waits for a person' : 'runs at once'
  ])
  return [
    paint('bold', id),
    ...rows.map(([title, value]) => `${title.padEnd(9)} ${harmless(value)}`),
    ...(outdated ? ['', `What it offers has changed since: look at it there, then outpost toolbox refresh ${name} takes it over.`] : []),
    '',
    used.length === 0
      ? 'No services'
      : table(['', 'SERVICE', 'OPERATION', 'APPROVAL'], used, (cell, column) => (column === 0 && cell === '●' ? paint('green', cell) : cell)),
    ...section(
      'Not offered',
      skipped.map(({ operation, reason }) => `${operation}: ${reason}`)
    ),
    ...section('Left out or narrowed', notes)
  ].join('\n')
}

export function listToolboxes(toolboxes: Toolbox[]): string {
  return table(
    ['NAME', 'ID', 'KIND', 'SERVICES', 'NOT OFFERED', 'APPROVAL', 'TARGET', ''],
    toolboxes.map(({ name, id, kind, services, skipped, approval, target, outdated }) => [
      name,
      id,
      kind,
      services.some(({ healthy }) => !healthy)
        ? `${services.length}, ${services.filter(({ healthy }) => !healthy).length} away`
        : `${services.length}`,
      String(skipped.length),
      approval,
      clip(target, 60),
      outdated ? 'outdated' : ''
    ])
  )
}

function section(title: string, lines: string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${clip(line, 300)}`)]
}
