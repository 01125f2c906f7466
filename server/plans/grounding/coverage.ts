/** Above it a service's description says what a capability says. */
export const capabilitySimilarity = 0.75
/** Part of a capability's words that a description has when it says the same in other forms: two of three. */
export const capabilityWords = 0.66
const enough = 0.95
// 19 of 20 is 0.95, whatever a division makes of it.
const rounding = 1e-9

export type Coverage = { ok: boolean /** 0–1. */; coverage: number; unmatched: string[] }

/** Which of the capabilities that a use case requires the services of a plan have; 95 % are enough. */
export function checkCoverage(required: string[], descriptions: string[], matches: (capability: string, description: string) => boolean): Coverage {
  const unmatched = required.filter((capability) => !descriptions.some((description) => matches(capability, description)))
  const coverage = required.length === 0 ? 1 : (required.length - unmatched.length) / required.length
  return { ok: coverage >= enough - rounding, coverage, unmatched }
}

export function coverageFinding({ coverage, unmatched }: Coverage, required: string[]): string {
  const percent = (coverage * 100).toFixed(2)
  const lacking = unmatched.map((capability) => `“${capability}”`).join(', ')
  return `the services of the plan have ${percent}% of what the use case requires (${required.length - unmatched.length} of ${required.length}); nothing in it does ${lacking}`
}
