import { z } from 'zod'

/** Patterns in which `*` stands for anything; upper and lower case are the same. With `allow` given, only what it names is allowed; `deny` wins. */
const Rule = z.object({
  allow: z.array(z.string().min(1).max(200)).max(1000).default([]),
  deny: z.array(z.string().min(1).max(200)).max(1000).default([])
})
export type Rule = z.infer<typeof Rule>

const noRule = { allow: [], deny: [] }

/**
 * What may come to this machine and be loaded. `models`: ids. `licences`: SPDX ids. `sources`: the kind (`hf`, `https`, `pip`, `file`, `folder`, …), or kind and host
 * (`https:*.example.org`). `signers`: fingerprints of those who sign bundles, `unsigned` for none; models that did not come in a bundle have no signer and are
 * not judged by it.
 */
export const Policy = z.object({
  models: Rule.default(noRule),
  licences: Rule.default(noRule),
  sources: Rule.default(noRule),
  signers: Rule.default(noRule)
})
export type Policy = z.infer<typeof Policy>

export const noPolicy: Policy = { models: noRule, licences: noRule, sources: noRule, signers: noRule }
