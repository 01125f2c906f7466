import { HttpRefusal, openDownload } from './http-download.ts'
import { noScratch, type Source } from './source.ts'

export type HuggingFace = { endpoint: string; token: string | undefined }

/**
 * A file of a Hugging Face repository: `org/repo/path/to/file@revision`, revision `main` where none is given.
 * Source: `GET {endpoint}/{org}/{repo}/resolve/{revision}/{path}`, which redirects to a CDN; `x-linked-etag` of a large file is its sha256.
 */
export function huggingFaceSource(reference: string, options: HuggingFace & { airGap: boolean }): Source {
  const parts = /^(?<repository>[\w.-]+\/[\w.-]+)\/(?<path>[^@]+)(?:@(?<revision>[\w./-]+))?$/.exec(reference)?.groups
  if (parts === undefined) throw new Error(`hf:${reference} is not of the form hf:org/repo/file@revision`)
  const path = (parts.path ?? '').split('/').map(encodeURIComponent).join('/')
  const revision = encodeURIComponent(parts.revision ?? 'main')
  const url = new URL(`${options.endpoint.replace(/\/+$/, '')}/${parts.repository}/resolve/${revision}/${path}`)
  return {
    label: `Hugging Face ${parts.repository}`,
    scratchBytes: noScratch,
    open: async (request) => {
      try {
        return await openDownload({
          url,
          request,
          authorization: options.token === undefined ? undefined : `Bearer ${options.token}`,
          airGap: options.airGap,
          inspect: (reply) => {
            const linked = /^"?([0-9a-f]{64})"?$/.exec(String(reply.headers['x-linked-etag'] ?? ''))?.[1]
            if (linked !== undefined && linked !== request.file.sha256) throw new Error(`has another file under this name now (sha256 ${linked})`)
          }
        })
      } catch (error) {
        if (error instanceof HttpRefusal && (error.status === 401 || error.status === 403))
          throw new Error(closedDoor(error.status, options.token), { cause: error })
        throw error
      }
    }
  }
}

function closedDoor(status: number, token: string | undefined): string {
  return token === undefined
    ? `answered ${status}: the repository is private or wants its terms accepted. Accept them on its page, then set HF_TOKEN`
    : `answered ${status}: the account of HF_TOKEN may not read it. Accept the terms on its page, or use another token`
}
