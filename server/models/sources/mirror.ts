import { firstPlaceSource } from './first-place.ts'
import { type NetworkRules, openDownload } from './http-download.ts'
import { outpostPlaces } from './outpost.ts'
import type { Source, WantedFile } from './source.ts'

/** An address, and what is sent along to it. */
type Place = { url: URL; headers: Record<string, string> }

/**
 * A web server with the files below one address, under their own names or under `sha256-…`. An address with nothing behind the host may also be that
 * of another Outpost.
 */
export function mirrorSource(base: string, rules: NetworkRules): Source {
  const { root, headers } = withoutLogin(base.endsWith('/') ? base : `${base}/`)
  const names = ({ name, sha256 }: WantedFile) => [name, ...(sha256 === undefined ? [] : [`sha256-${sha256}`])]
  return webSource(`mirror ${root.origin}${root.pathname}`, rules, (file) => [
    ...names(file).map((name) => ({ url: new URL(encodeURIComponent(name) + root.search, root), headers })),
    ...outpostPlaces(base, file)
  ])
}

/** One file, by its address. */
export function webFileSource(address: string, rules: NetworkRules): Source {
  const { root, headers } = withoutLogin(address)
  return webSource(`${root.origin}${root.pathname}`, rules, () => [{ url: root, headers }])
}

function webSource(label: string, rules: NetworkRules, places: (file: WantedFile) => Place[]): Source {
  return firstPlaceSource(label, {
    places,
    open: ({ url, headers }, request) => openDownload({ url, request, rules, headers: () => headers }),
    notThere: [401, 404]
  })
}

/** An address without its name and password, which become a header. */
function withoutLogin(address: string): { root: URL; headers: Record<string, string> } {
  const root = new URL(address)
  const login = `${decodeURIComponent(root.username)}:${decodeURIComponent(root.password)}`
  const headers: Record<string, string> = root.username === '' ? {} : { authorization: `Basic ${Buffer.from(login).toString('base64')}` }
  root.username = ''
  root.password = ''
  return { root, headers }
}
