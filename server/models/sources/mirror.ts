import { HttpRefusal, type NetworkRules, openDownload } from './http-download.ts'
import { outpostPlaces } from './outpost.ts'
import { noScratch, type Source, type WantedFile } from './source.ts'

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

/** The first of some addresses that has the file; the others are not asked again. */
function webSource(label: string, rules: NetworkRules, places: (file: WantedFile) => Place[]): Source {
  let known: Place | undefined
  return {
    label,
    scratchBytes: noScratch,
    open: async (request) => {
      const candidates = known === undefined ? places(request.file) : [known]
      for (const [index, place] of candidates.entries()) {
        try {
          const reply = await openDownload({ url: place.url, request, rules, headers: () => place.headers })
          known = place
          return reply
        } catch (error) {
          if (!(error instanceof HttpRefusal) || ![401, 404].includes(error.status) || index === candidates.length - 1) throw error
        }
      }
      throw new Error('has no address for this file')
    }
  }
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
