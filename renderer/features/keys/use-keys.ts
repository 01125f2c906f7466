import { useQuery } from '@tanstack/react-query'
import type { Key } from '#contracts/key.ts'
import type { Project } from '#contracts/plan-api.ts'
import type { ApiError } from '../../api.ts'
import { call } from '../../api.ts'
import { queries, useMay } from '../../session/session.ts'

const queryKey = ['keys']

/** Every key; undefined as long as that is not known. */
export function useKeys(): { keys: readonly Key[] | undefined; error: ApiError | undefined } {
  const { data, error } = useQuery({ queryKey, queryFn: () => call('keys'), enabled: useMay()('keys') })
  return { keys: data?.keys, error: (error as ApiError | null) ?? undefined } // Calls throw nothing else.
}

/** What a project is called, by its id where that is not known. */
export function useProjects(): { projects: readonly Project[]; nameOf: (id: string) => string } {
  const { data } = useQuery({ queryKey: ['projects'], queryFn: () => call('projects'), enabled: useMay()('projects') })
  const projects = data?.projects ?? []
  return { projects, nameOf: (id) => projects.find((project) => project.id === id)?.name ?? id }
}

/** Puts a key in its place, or in front of the others, before the server is asked again. */
export function keepKey(key: Key): void {
  queries.setQueryData<{ keys: Key[] }>(queryKey, (known) => known && { keys: [key, ...known.keys.filter(({ id }) => id !== key.id)] })
  void queries.invalidateQueries({ queryKey })
}
