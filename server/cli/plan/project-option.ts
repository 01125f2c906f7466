import { AppError } from '../../errors.ts'
import type { Client } from '../client.ts'
import { harmless } from '../terminal.ts'

/** The option of every verb about plans. */
export const projectOption = { project: { type: 'string', short: 'p' } } as const

/** For commands that are shown to somebody: they shall work when pasted. */
export function projectFlag({ project }: { project?: string }): string {
  return project === undefined ? '' : ` -p ${project}`
}

/** `--project` by id or name, as the query of a call; nothing where it was not given: then it is the project of the key that is used. */
export async function projectQuery(client: Client, wanted: string | undefined): Promise<{ project?: string }> {
  if (wanted === undefined) return {}
  if (wanted.startsWith('p_')) return { project: wanted }
  const { projects } = await client.call('projects')
  const found = projects.filter(({ name }) => name === wanted)
  const [project] = found
  if (project === undefined) {
    throw new AppError(
      'not_found',
      `there is no project ${JSON.stringify(wanted)}: there is ${projects.map(({ name }) => harmless(name)).join(', ')}`
    )
  }
  if (found.length > 1) {
    throw new AppError(
      'conflict',
      `${found.length} projects are called ${JSON.stringify(wanted)}: give the id, one of ${found.map(({ id }) => id).join(', ')}`
    )
  }
  return { project: project.id }
}
