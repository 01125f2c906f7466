import { useLocation, useRoute, useSearch } from 'wouter'

export const tabNames = ['plans', 'services', 'cache', 'failures', 'webhooks', 'groundings'] as const
export type TabName = (typeof tabNames)[number]
/** A tab of the page, or the room of one plan. */
export type Place = { type: 'tab'; tab: TabName } | { type: 'plan'; id: string }

/** Ids of plans have a prefix that no name of a tab has. */
export function placeOf(part: string | undefined): Place {
  const tab = part === undefined ? 'plans' : tabNames.find((name) => name === part)
  return tab === undefined ? { type: 'plan', id: part ?? '' } : { type: 'tab', tab }
}

/** The address of a place. `project`: undefined: one's own. */
export function addressOf(place: Place, project: string | undefined): string {
  const part = place.type === 'plan' ? `/${encodeURIComponent(place.id)}` : place.tab === 'plans' ? '' : `/${place.tab}`
  return `/plans${part}${project === undefined ? '' : `?project=${encodeURIComponent(project)}`}`
}

export type Whereabouts = {
  place: Place
  project: string | undefined
  /** What endpoints want after `?`. */
  query: { project?: string }
  address(place: Place): string
  go(place: Place): void
  choose(project: string | undefined): void
}

/** Where the user is among the plans, by the address alone. */
export function usePlace(): Whereabouts {
  const [, params] = useRoute<{ part: string }>('/plans/:part')
  const [, navigate] = useLocation()
  const project = new URLSearchParams(useSearch()).get('project') ?? undefined
  const place = placeOf(params?.part)
  return {
    place,
    project,
    query: project === undefined ? {} : { project },
    address: (next) => addressOf(next, project),
    go: (next) => navigate(addressOf(next, project)),
    choose: (next) => navigate(addressOf(place.type === 'plan' ? { type: 'tab', tab: 'plans' } : place, next))
  }
}

/** The same by the command line, in the project that is looked at. */
export const commandIn = (project: string | undefined, command: string): string =>
  `npx outpost ${command}${project === undefined ? '' : ` -p ${project}`}`
