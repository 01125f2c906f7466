import { UsageError } from './usage-error.ts'

const verbs: Record<string, () => Promise<{ run(args: string[]): Promise<number> }>> = {
  export: () => import('./bundle/export.ts'),
  import: () => import('./bundle/import.ts'),
  inspect: () => import('./bundle/inspect.ts'),
  keygen: () => import('./bundle/keygen.ts'),
  signers: () => import('./bundle/signers.ts')
}

export async function run([verb = '', ...rest]: string[]): Promise<number> {
  const load = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined
  if (load === undefined) {
    const names = Object.keys(verbs).join(', ')
    throw new UsageError(verb === '' ? `bundle wants one of ${names}` : `bundle has no ${JSON.stringify(verb)}, only ${names}`)
  }
  return await (await load()).run(rest)
}
