import type { UsageReply } from '#contracts/api.ts'
import type { CsvCell } from './csv.ts'

/** A heading, and one line a group. */
export function groupLines(
  by: Exclude<UsageReply['by'], 'request'>,
  groups: UsageReply['groups'],
  nameOf: (clientId: string) => string
): CsvCell[][] {
  const heading = [
    by,
    ...(by === 'key' ? ['name'] : []),
    'requests',
    'errors',
    'promptTokens',
    'cachedTokens',
    'completionTokens',
    'reasoningTokens',
    'meanQueueMs',
    'meanTtftMs'
  ]
  const lines = groups.map((group) => [
    group.group,
    ...(by === 'key' ? [nameOf(group.group)] : []),
    group.requests,
    group.errors,
    group.promptTokens,
    group.cachedTokens,
    group.completionTokens,
    group.reasoningTokens,
    rounded(group.meanQueueMs),
    rounded(group.meanTtftMs)
  ])
  return [heading, ...lines]
}

/** A heading, and one line a request. */
export function requestLines(rows: UsageReply['rows'], nameOf: (clientId: string) => string): CsvCell[][] {
  const heading = ['submittedAt', 'requestId', 'jobId', 'kind', 'key', 'name', 'model', 'lane', 'promptTokens', 'cachedTokens', 'completionTokens']
  const lines = rows.map((row) => [
    new Date(row.submittedAt).toISOString(),
    row.requestId,
    row.jobId,
    row.kind,
    row.clientId,
    nameOf(row.clientId),
    row.model,
    row.lane,
    row.usage.promptTokens,
    row.usage.cachedTokens,
    row.usage.completionTokens,
    row.usage.reasoningTokens,
    rounded(row.queueMs),
    rounded(row.ttftMs),
    rounded(row.totalMs),
    row.finishReason,
    row.errorCode
  ])
  return [[...heading, 'reasoningTokens', 'queueMs', 'ttftMs', 'totalMs', 'finishReason', 'errorCode'], ...lines]
}

const rounded = (value: number | null): number | null => (value === null ? null : Math.round(value * 10) / 10)
