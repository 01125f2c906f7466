import { isIPv4, isIPv6 } from 'node:net'
import type { Automaton } from './automaton.ts'
import { accepts } from './automaton.ts'
import { compilePattern } from './regular-expression.ts'

/** A string format: `pattern` is what is generated; `check` is what is right, never narrower than the pattern meets in most cases. */
type Format = { pattern: string; check(text: string): boolean }

const day = String.raw`(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))`
const date = String.raw`(?:000[1-9]|00[1-9]\d|0[1-9]\d\d|[1-9]\d{3})-${day}`
const time = String.raw`(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)`
const label = '[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*'
const byte = String.raw`(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`
const clock = String.raw`T(?:\d{1,4}H(?:\d{1,4}M(?:\d{1,4}S)?)?|\d{1,4}M(?:\d{1,4}S)?|\d{1,4}S)`
const duration = String.raw`P(?:\d{1,4}W|(?:\d{1,4}Y(?:\d{1,4}M(?:\d{1,4}D)?)?|\d{1,4}M(?:\d{1,4}D)?|\d{1,4}D)(?:${clock})?|${clock})`
const part = "[A-Za-z0-9._~!$&'()*+,;=:@-]"
const mailbox = String.raw`[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@${label}(?:\.${label})*\.[A-Za-z]{2,24}`

const formats: Record<string, Format> = {
  date: { pattern: date, check: isDate },
  time: { pattern: time, check: isTime },
  'date-time': {
    pattern: `${date}T${time}`,
    check: (text) => isDate(text.slice(0, 10)) && /^[Tt ]$/.test(text.charAt(10)) && isTime(text.slice(11))
  },
  duration: { pattern: duration, check: (text) => /^P(?=.)(\d+W|(\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?)$/.test(text) },
  email: { pattern: mailbox, check: (text) => text.length <= 320 && /^[^\s@"(),:;<>[\\\]]+@[A-Za-z0-9.-]+$/.test(text) },
  hostname: {
    pattern: String.raw`${label}(?:\.${label})*`,
    check: (text) => text.length <= 253 && text.split('.').every((one) => /^(?!-)[A-Za-z0-9-]{1,63}(?<!-)$/.test(one))
  },
  ipv4: { pattern: String.raw`${byte}(?:\.${byte}){3}`, check: isIPv4 },
  ipv6: { pattern: '[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){7}', check: isIPv6 },
  uuid: {
    pattern: '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
    check: (text) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)
  },
  uri: {
    pattern: String.raw`(?:(?:https?|ftp|ws|wss)://${label}(?:\.${label})*(?::[1-9]\d{1,3})?(?:/${part}*)*(?:\?${part}*)?(?:#${part}*)?|(?:urn|mailto|tel|data):${part}+)`,
    check: (text) => /^[a-z][a-z0-9+.-]*:[!#$&-;=?-Z_a-z~[\]%]+$/i.test(text) && URL.canParse(text)
  },
  'json-pointer': { pattern: '(?:/(?:[^~/]|~[01])*)*', check: (text) => /^(\/([^~/]|~[01])*)*$/u.test(text) }
}

/** Formats that JSON Schema defines and we cannot hold. Every other unknown name is an annotation, as the standard says. */
const unsupportedFormats = new Set([
  'regex',
  'uri-reference',
  'uri-template',
  'iri',
  'iri-reference',
  'idn-email',
  'idn-hostname',
  'relative-json-pointer'
])

export function formatSupport(name: string): 'held' | 'unsupported' | 'annotation' {
  return Object.hasOwn(formats, name) ? 'held' : unsupportedFormats.has(name) ? 'unsupported' : 'annotation'
}

/** The texts that are generated for a held format. */
export function formatAutomaton(name: string): Automaton {
  return compilePattern(`^(?:${formats[name]?.pattern})$`)
}

/** For the check after generation: name → whether a text has the format. */
export function formatChecks(): Record<string, (text: string) => boolean> {
  return Object.fromEntries(Object.entries(formats).map(([name, { check }]) => [name, check]))
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false
  const at = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text)
}

function isTime(text: string): boolean {
  return accepts(compilePattern(String.raw`^(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$`), text)
}
