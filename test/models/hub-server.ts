import { createHash } from 'node:crypto'
import { type Answer, type FileServer, startFileServer } from './file-server.ts'

export type HubFixture = { files: Record<string, Buffer>; info?: object; answer?: Answer }
export const commit = '0123456789abcdef0123456789abcdef01234567'

/**
 * A server that speaks Hugging Face's protocol for one repository, `some-org/Some-Model-GGUF`: the shape of `/api/models/…?blobs=true` is that of the
 * real one, large files have their sha256, small ones only a git id.
 */
export async function startHubServer({ files, info = {}, answer }: HubFixture): Promise<FileServer> {
  const siblings = Object.entries(files).map(([rfilename, bytes]) => ({
    rfilename,
    size: bytes.length,
    blobId: createHash('sha1').update(bytes).digest('hex'),
    ...(/\.(gguf|safetensors|bin)$/.test(rfilename)
      ? { lfs: { sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, pointerSize: 134 } }
      : {})
  }))
  const description = {
    _id: '65a0b1c2d3e4f5a6b7c8d9e0',
    id: 'some-org/Some-Model-GGUF',
    modelId: 'some-org/Some-Model-GGUF',
    author: 'some-org',
    sha: commit,
    lastModified: '2026-01-01T00:00:00.000Z',
    private: false,
    gated: false,
    disabled: false,
    tags: ['gguf', 'license:apache-2.0'],
    pipeline_tag: 'text-generation',
    cardData: { license: 'apache-2.0', base_model: 'some-org/Some-Model' },
    siblings,
    ...info
  }
  return await startFileServer((path) => {
    if (answer !== undefined) return answer
    const repository = 'some-org/Some-Model-GGUF'
    if (path === `/api/models/${repository}/revision/main` || path === `/api/models/${repository}/revision/${commit}`)
      return { bytes: Buffer.from(JSON.stringify(description)), headers: { 'content-type': 'application/json; charset=utf-8' } }
    const file = new RegExp(`^/${repository}/resolve/${commit}/(.+)$`).exec(path)?.[1]
    const bytes = file === undefined ? undefined : files[file]
    return bytes === undefined ? undefined : { bytes, headers: { 'x-repo-commit': commit } }
  })
}
