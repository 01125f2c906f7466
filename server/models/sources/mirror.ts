import { HttpRefusal, openDownload } from './http-download.ts'
import { noScratch, type Source } from './source.ts'

/** A web server with the files below one address, under their own names or under `sha256-…`. */
export function mirrorSource(base: string, options: { airGap: boolean }): Source {
  const root = new URL(base.endsWith('/') ? base : `${base}/`)
  const authorization =
    root.username === ''
      ? undefined
      : `Basic ${Buffer.from(`${decodeURIComponent(root.username)}:${decodeURIComponent(root.password)}`).toString('base64')}`
  root.username = ''
  root.password = ''
  const { airGap } = options
  return {
    label: `mirror ${root.origin}${root.pathname}`,
    scratchBytes: noScratch,
    open: async (request) => {
      const address = (name: string) => new URL(encodeURIComponent(name) + root.search, root)
      try {
        return await openDownload({ url: address(request.file.name), request, authorization, airGap })
      } catch (error) {
        if (!(error instanceof HttpRefusal) || error.status !== 404) throw error
        return await openDownload({ url: address(`sha256-${request.file.sha256}`), request, authorization, airGap })
      }
    }
  }
}
