import type { CatalogueEntry, PinnedEntry } from '#contracts/model.ts'
import { noPolicy, type Policy, type Rule } from '#contracts/policy.ts'
import { AppError } from '../errors.ts'

/** What a policy is asked about; what is not known is left out, and not judged. */
export type PolicySubject = {
  model?: { id: string; aliases?: readonly string[] }
  /** SPDX id or expression, as catalogue or header state it. */
  licence?: string
  /** A reference as a catalogue writes it (`hf:org/repo/file`, `https://…`), a mirror, or a folder. Several: one that is allowed is enough. */
  sources?: readonly string[]
  /** Fingerprint; null: a bundle nobody signed. */
  signer?: string | null
}

export type Verdict = { allowed: true } | { allowed: false; reason: string }

const allowed: Verdict = { allowed: true }

/** Whether a policy lets something pass, and if not, why: in words that follow "the policy of this machine". Pure. */
export function judge(policy: Policy, subject: PolicySubject): Verdict {
  const { model, licence, sources, signer } = subject
  const verdicts = [
    model === undefined ? allowed : judgeOne(policy.models, [model.id, ...(model.aliases ?? [])], `the model ${model.id}`),
    licence === undefined ? allowed : judgeLicence(policy.licences, licence),
    sources === undefined || sources.length === 0 ? allowed : judgeSources(policy.sources, sources),
    signer === undefined ? allowed : judgeOne(policy.signers, [signer ?? 'unsigned'], signer === null ? 'unsigned bundles' : `the signer ${signer}`)
  ]
  return verdicts.find((verdict) => !verdict.allowed) ?? allowed
}

/** Throws `policy_denied` with the reason. `what` is what was to be done: `be pulled`, `be loaded`. */
export function enforce(policy: Policy | undefined, subject: PolicySubject, what: string): void {
  const verdict = judge(policy ?? noPolicy, subject)
  if (verdict.allowed) return
  const name = subject.model?.id ?? 'this'
  throw new AppError(
    'policy_denied',
    `${name} may not ${what}: the policy of this machine ${verdict.reason}. An administrator can change it: outpost policy show`
  )
}

/** Before anything of a model is fetched: some place must be allowed for each of its files. */
export function enforcePull(policy: Policy, entry: CatalogueEntry, mirrors: readonly string[]): void {
  enforce(policy, { model: entry, licence: entry.licence }, 'be pulled')
  for (const file of entry.files) enforce(policy, { model: entry, sources: [...mirrors, ...file.sources] }, 'be pulled')
}

/** Before a model of a bundle is taken in. `signer`: its fingerprint; null: nobody signed it. */
export function enforceImport(policy: Policy, entry: PinnedEntry, signer: string | null): void {
  enforce(policy, { model: entry, licence: entry.licence, signer }, 'be imported')
}

/** Before a file is used where it lies. */
export function enforceAdoption(
  policy: Policy,
  { entry, origin }: { entry: PinnedEntry; origin?: { sources?: string[] | undefined } | undefined }
): void {
  enforce(policy, { model: entry, licence: entry.licence, sources: origin?.sources ?? [] }, 'be adopted')
}

function judgeOne(rule: Rule, names: readonly string[], what: string): Verdict {
  const denied = rule.deny.find((pattern) => names.some((name) => matches(pattern, name)))
  if (denied !== undefined) return { allowed: false, reason: `denies ${what} (${denied})` }
  if (rule.allow.length === 0 || rule.allow.some((pattern) => names.some((name) => matches(pattern, name)))) return allowed
  return { allowed: false, reason: `does not allow ${what} (allowed: ${rule.allow.join(', ')})` }
}

/** `MIT OR GPL-3.0` is a choice, `MIT AND CC-BY-4.0` needs both; parentheses are read as the larger demand. */
function judgeLicence(rule: Rule, expression: string): Verdict {
  const choices = expression.replace(/[()]/g, ' ').split(/\s+OR\s+/i)
  const verdicts = choices.map((choice) => {
    const parts = choice.split(/\s+AND\s+/i).map((part) => judgeOne(rule, [part.trim()], `the licence ${part.trim()}`))
    return parts.find((verdict) => !verdict.allowed) ?? allowed
  })
  return verdicts.find((verdict) => verdict.allowed) ?? verdicts[0] ?? allowed
}

function judgeSources(rule: Rule, sources: readonly string[]): Verdict {
  const verdicts = sources.map((source) => {
    const { kind, host } = sourceKind(source)
    return judgeOne(rule, [kind, ...(host === undefined ? [] : [`${kind}:${host}`])], `weights from ${host ?? kind}`)
  })
  return verdicts.find((verdict) => verdict.allowed) ?? verdicts[0] ?? allowed
}

/** `https://host/…` → https and its host, `s3://bucket/…` → s3 and its bucket, `hf:org/repo/…` → hf and its organisation; anything else is a folder. */
export function sourceKind(source: string): { kind: string; host: string | undefined } {
  const [, kind = '', rest = ''] = /^([a-z][a-z0-9+]+):(.*)$/is.exec(source) ?? []
  // A drive of Windows is one letter, which is no kind.
  if (kind === '') return { kind: 'folder', host: undefined }
  const name = kind.toLowerCase()
  if (name === 'file') return { kind: 'file', host: undefined }
  if (rest.startsWith('//')) return { kind: name, host: rest.slice(2).split('/')[0]?.replace(/^.*@/, '').replace(/:\d+$/, '').toLowerCase() }
  return { kind: name, host: rest.split(/[/=!@:]/)[0] }
}

/** `*` stands for any text. No other character is special, so a pattern cannot take long. */
export function matches(pattern: string, text: string): boolean {
  const pieces = pattern.toLowerCase().split('*')
  const name = text.toLowerCase()
  const [first = '', ...others] = pieces
  if (others.length === 0) return name === first
  const last = others.pop() ?? ''
  if (!name.startsWith(first)) return false
  let at = first.length
  for (const piece of others) {
    const found = name.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return name.length - last.length >= at && name.endsWith(last)
}
