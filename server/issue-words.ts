import type { z } from 'zod'

/** What a value must be, in words that follow its name: `must be at least 1`. Not what it was. */
export function ruleOf(issue: z.core.$ZodIssue, value: unknown): string {
  if (value === undefined && issue.code !== 'custom') return 'is required'
  // zod's own messages begin with a capital letter, ours never do.
  if (!/^[A-Z]/.test(issue.message)) return issue.message
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${article(issue.expected)}`
    case 'invalid_value':
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map((allowed) => JSON.stringify(allowed)).join(', ')}`
    case 'too_big':
      return `must ${bound(issue.origin)} at most ${issue.maximum}${unit(issue.origin)}`
    case 'too_small':
      return `must ${bound(issue.origin)} at least ${issue.minimum}${unit(issue.origin)}`
    // Of a record; what is wrong with the key is said one level below.
    case 'invalid_key':
      return issue.issues[0] === undefined ? 'has a key that is not usable' : ruleOf(issue.issues[0], String(issue.path.at(-1)))
    default:
      return 'is not usable'
  }
}

function bound(origin: string): string {
  return origin === 'string' || origin === 'array' ? 'have' : 'be'
}
function unit(origin: string): string {
  if (origin === 'string') return ' characters'
  return origin === 'array' ? ' entries' : ''
}

function article(type: string): string {
  const name = type === 'int' ? 'whole number' : type === 'record' ? 'object' : type
  return /^[aeiou]/.test(name) ? `an ${name}` : `a ${name}`
}
