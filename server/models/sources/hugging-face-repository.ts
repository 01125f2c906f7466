import { z } from 'zod'
import { AppError } from '../../errors.ts'
import { usualLimits } from '../pull/pull-limits.ts'
import { networkRules, type SourceSettings } from './choose.ts'
import { follow, HttpRefusal } from './http-download.ts'
import { hubHeaders, inPlainWords } from './hugging-face.ts'

/** `sha256` only of large files, which the hub keeps by their hash. */
export type HubFileFacts = { path: string; size: number; sha256: string | undefined }

export type HubRepository = {
  name: string
  page: string
  /** What the revision stood for when it was asked. */
  commit: string
  files: HubFileFacts[]
  /** SPDX id, `LicenseRef-…` or `NOASSERTION`. */
  licence: string
  licenceUrl: string | undefined
  task: string | undefined
  contextWindow: number | undefined
  parameters: number | undefined
}

const Info = z.looseObject({
  sha: z.string().regex(/^[0-9a-f]{40,64}$/),
  siblings: z.array(
    z.looseObject({
      rfilename: z.string(),
      size: z.int().min(0).nullish(),
      lfs: z
        .looseObject({
          sha256: z
            .string()
            .regex(/^[0-9a-f]{64}$/)
            .nullish(),
          size: z.int().min(0).nullish()
        })
        .nullish()
    })
  ),
  pipeline_tag: z.string().nullish(),
  cardData: z.looseObject({ license: z.unknown().optional(), license_link: z.unknown().optional() }).nullish(),
  gguf: z.looseObject({ context_length: z.int().positive().nullish(), total: z.int().positive().nullish() }).nullish()
})

const largestAnswer = 32 * 1024 * 1024

/**
 * What a repository holds at a revision. Source: `GET {endpoint}/api/models/{org}/{repo}/revision/{revision}?blobs=true`.
 * Throws `weights_unavailable` with what the hub answered.
 */
export async function readHubRepository(name: string, revision: string, settings: SourceSettings, signal: AbortSignal): Promise<HubRepository> {
  const { huggingFace } = settings
  const endpoint = huggingFace.endpoint.replace(/\/+$/, '')
  const url = new URL(`${endpoint}/api/models/${name}/revision/${encodeURIComponent(revision)}?blobs=true`)
  const page = `${endpoint}/${name}`
  try {
    const reply = await follow(
      { url, rules: networkRules(settings), headers: () => hubHeaders(huggingFace.token), request: { signal, stallMs: usualLimits.stallMs } },
      { accept: 'application/json' }
    )
    if (reply.statusCode !== 200) {
      reply.destroy()
      throw new HttpRefusal(reply.statusCode ?? 0, `answered ${reply.statusCode} for ${name} at ${revision}`)
    }
    const parts: Buffer[] = []
    let length = 0
    for await (const part of reply as AsyncIterable<Buffer>) {
      length += part.length
      if (length > largestAnswer) throw new Error('answered with more than 32 MiB')
      parts.push(part)
    }
    return toRepository(name, page, Info.parse(JSON.parse(Buffer.concat(parts).toString())))
  } catch (error) {
    signal.throwIfAborted()
    const said =
      error instanceof z.ZodError || error instanceof SyntaxError
        ? new Error('answered in a way that is not understood')
        : inPlainWords(error, name, huggingFace)
    throw new AppError('weights_unavailable', `Hugging Face ${name}: ${(said as Error).message}`, { cause: error })
  }
}

function toRepository(name: string, page: string, info: z.infer<typeof Info>): HubRepository {
  const link = info.cardData?.license_link
  return {
    name,
    page,
    commit: info.sha,
    files: info.siblings.map(({ rfilename, size, lfs }) => ({ path: rfilename, size: lfs?.size ?? size ?? 0, sha256: lfs?.sha256 ?? undefined })),
    licence: toSpdx(info.cardData?.license),
    licenceUrl: typeof link === 'string' && /^https:\/\//.test(link) ? link : page,
    task: info.pipeline_tag ?? undefined,
    contextWindow: info.gguf?.context_length ?? undefined,
    parameters: info.gguf?.total ?? undefined
  }
}

/** The hub writes SPDX ids in small letters, and has names of its own for others. Source: its list of licences for model cards. */
const spdx = new Map(
  ['Apache-2.0', 'MIT', 'BSD-2-Clause', 'BSD-3-Clause', 'CC0-1.0', 'CC-BY-4.0', 'CC-BY-SA-4.0', 'CC-BY-NC-4.0', 'CC-BY-NC-SA-4.0', 'MPL-2.0'].map(
    (id) => [id.toLowerCase(), id]
  )
)

function toSpdx(licence: unknown): string {
  const text = Array.isArray(licence) ? licence[0] : licence
  if (typeof text !== 'string' || text === '') return 'NOASSERTION'
  return spdx.get(text.toLowerCase()) ?? `LicenseRef-${text.replace(/[^A-Za-z0-9.-]+/g, '-')}`
}
