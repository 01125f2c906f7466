import { runSubVerb, type SubVerbs } from './sub-verb.ts'

const verbs: SubVerbs = {
  add: () => import('./toolbox/add.ts'),
  list: () => import('./toolbox/list.ts'),
  show: () => import('./toolbox/show.ts'),
  refresh: () => import('./toolbox/refresh.ts'),
  rm: () => import('./toolbox/rm.ts')
}

export async function run(args: string[]): Promise<number> {
  return await runSubVerb('toolbox', verbs, args)
}
