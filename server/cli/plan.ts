import { runSubVerb } from './sub-verb.ts'

export async function run(args: string[]): Promise<number> {
  return await runSubVerb(
    'plan',
    {
      run: () => import('./plan/run.ts'),
      follow: () => import('./plan/follow.ts'),
      list: () => import('./plan/list.ts'),
      show: () => import('./plan/show.ts'),
      abort: () => import('./plan/abort.ts'),
      approve: () => import('./plan/approve.ts'),
      failures: () => import('./plan/failures.ts'),
      cache: () => import('./plan/cache.ts')
    },
    args
  )
}
