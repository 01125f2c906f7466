export const periods = ['today', 'week', 'month', 'quarter', 'all'] as const
export type Period = (typeof periods)[number]

const dayMs = 86_400_000
const days: Record<Exclude<Period, 'all'>, number> = { today: 1, week: 7, month: 30, quarter: 90 }

/** Unix milliseconds at which a period begins; its last day is today. Days are those of UTC, as the server sums them. */
export function startOf(period: Period, now: number): number | undefined {
  if (period === 'all') return undefined
  return now - (now % dayMs) - (days[period] - 1) * dayMs
}
