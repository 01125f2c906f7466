import { HttpRefusal, type NetworkRules, openDownload } from './http-download.ts'
import { noScratch, type Source } from './source.ts'

/** `cache`: the folder that Hugging Face's own tools keep what they fetched in (`HF_HUB_CACHE`). */
export type HuggingFace = { endpoint: string; token: string | undefined; cache?: string | undefined }

/** `hf:org/repo/path/to/file@revision` in parts; revision `main` where none is given. */
export type HubFile = { repository: string; path: string; revision: string }

export function parseHubFile(reference: string): HubFile {
  const parts = /^(?<repository>[\w.-]+\/[\w.-]+)\/(?<path>[^@]+)(?:@(?<revision>[\w./-]+))?$/.exec(reference)?.groups
  if (parts === undefined) throw new Error(`hf:${reference} is not of the form hf:org/repo/file@revision`)
  return { repository: parts.repository ?? '', path: parts.path ?? '', revision: parts.revision ?? 'main' }
}

/**
 * A file of a Hugging Face repository.
 * Source: `GET {endpoint}/{org}/{repo}/resolve/{revision}/{path}`, which redirects to a CDN; `x-linked-etag` of a large file is its sha256.
 */
export function huggingFaceSource(reference: string, options: HuggingFace & { rules: NetworkRules }): Source {
  const { repository, path, revision } = parseHubFile(reference)
  const { token, rules } = options
  const encoded = path.split('/').map(encodeURIComponent).join('/')
  const url = new URL(`${options.endpoint.replace(/\/+$/, '')}/${repository}/resolve/${encodeURIComponent(revision)}/${encoded}`)
  // Where the last redirect led: its signed address holds for a while, and saves a round for each part.
  let arrived: { url: URL; fromInside: boolean; sha256: string | undefined } | undefined
  return {
    label: `Hugging Face ${repository}`,
    scratchBytes: noScratch,
    open: async (request) => {
      if (arrived !== undefined) {
        try {
          return { ...(await openDownload({ ...arrived, request, rules })), sha256: arrived.sha256 }
        } catch (error) {
          arrived = undefined
          if (!(error instanceof HttpRefusal)) throw error
        }
      }
      let sha256: string | undefined
      let end = { url, fromInside: true }
      try {
        const reply = await openDownload({
          url,
          request,
          rules,
          headers: () => hubHeaders(token),
          inspect: ({ headers }) => {
            sha256 ??= /^"?([0-9a-f]{64})"?$/.exec(String(headers['x-linked-etag'] ?? ''))?.[1]
            if (sha256 !== undefined && request.file.sha256 !== undefined && sha256 !== request.file.sha256)
              throw new Error(`has another file under this name now (sha256 ${sha256})`)
          },
          onArrival: (place, fromInside) => {
            end = { url: place, fromInside }
          }
        })
        if (end.url.origin !== url.origin) arrived = { ...end, sha256 }
        return { ...reply, sha256 }
      } catch (error) {
        throw inPlainWords(error, repository, options)
      }
    }
  }
}

export function hubHeaders(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

/** A closed door says what to do; anything else stays as it is. */
export function inPlainWords(error: unknown, repository: string, { endpoint, token }: HuggingFace): unknown {
  if (!(error instanceof HttpRefusal) || (error.status !== 401 && error.status !== 403)) return error
  const page = `${endpoint.replace(/\/+$/, '')}/${repository}`
  const advice =
    token === undefined
      ? `the repository is private or wants its terms accepted. Accept them on its page (${page}), then set HF_TOKEN`
      : `the account of HF_TOKEN may not read it. Accept the terms on its page (${page}), or use another token`
  return new Error(`answered ${error.status}: ${advice}`, { cause: error })
}
