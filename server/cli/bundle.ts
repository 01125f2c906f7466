import { runSubVerb } from './sub-verb.ts'

export async function run(args: string[]): Promise<number> {
  return await runSubVerb(
    'bundle',
    {
      export: () => import('./bundle/export.ts'),
      import: () => import('./bundle/import.ts'),
      inspect: () => import('./bundle/inspect.ts'),
      keygen: () => import('./bundle/keygen.ts'),
      signers: () => import('./bundle/signers.ts')
    },
    args
  )
}
