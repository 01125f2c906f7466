import { UsageError } from './usage-error.ts'

export type SubVerbs = Record<string, () => Promise<{ run(args: string[]): Promise<number> }>>

/** `outpost VERB SUB …` → what SUB stands for, run with what comes after it. Throws `UsageError` when there is no such one. */
export async function runSubVerb(verb: string, verbs: SubVerbs, [sub = '', ...rest]: string[]): Promise<number> {
  const load = Object.hasOwn(verbs, sub) ? verbs[sub] : undefined
  if (load === undefined) {
    const names = Object.keys(verbs).join(', ')
    throw new UsageError(sub === '' ? `${verb} wants one of ${names}` : `${verb} has no ${JSON.stringify(sub)}, only ${names}`)
  }
  return await (await load()).run(rest)
}
