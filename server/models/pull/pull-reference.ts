import type { CatalogueEntry, ModelFile, ModelKind } from '#contracts/model.ts'
import { AppError } from '../../errors.ts'
import { toId } from '../model-id.ts'
import { isPrivateAddress, literalOf } from '../sources/addresses.ts'
import { networkRules, type SourceSettings } from '../sources/choose.ts'
import { type HubFileFacts, type HubRepository, readHubRepository } from '../sources/hugging-face-repository.ts'
import { parsePartName, partNames } from '../split-name.ts'

/** A place a user named instead of a model: `hf:org/repo`, `hf:org/repo:Q4_K_M`, `hf:org/repo/path.gguf`, each with `@revision`, or an address. */
export type PullReference =
  | { type: 'hub'; repository: string; quantisation: string | undefined; path: string | undefined; revision: string | undefined }
  | { type: 'address'; address: string }

/** Undefined: it is no place, so it may be a model's name. Throws `invalid_request` for a place that cannot be used. */
export function parsePullReference(text: string): PullReference | undefined {
  if (text.startsWith('hf:')) {
    const parts = /^hf:(?<repository>[\w.-]+\/[\w.-]+)(?::(?<quantisation>[\w.-]+)|\/(?<path>[^@]+))?(?:@(?<revision>[\w./-]+))?$/.exec(text)?.groups
    if (parts === undefined) throw refuse(text, 'is not of the form hf:org/repo:Q4_K_M or hf:org/repo/path/file.gguf@revision')
    return { type: 'hub', repository: parts.repository ?? '', quantisation: parts.quantisation, path: parts.path, revision: parts.revision }
  }
  if (!/^(https?|s3):\/\//i.test(text)) return undefined
  if (!URL.canParse(text)) throw refuse(text, 'is no address')
  const { username, password, pathname } = new URL(text)
  if (username !== '' || password !== '')
    throw refuse('the address', 'has a name or password in it, which would be kept with the model: name its folder in OUTPOST_MIRRORS instead')
  if (!/\.gguf$/i.test(pathname)) throw refuse(text, 'does not end in .gguf')
  return { type: 'address', address: text }
}

/** Whether a model from another place has an id already. */
export type IsTaken = (id: string, reference: string) => boolean

/** A place → what to pull from it. Throws `weights_unavailable`, `invalid_request`. */
export async function resolvePullReference(
  text: string,
  options: { settings: SourceSettings; isTaken: IsTaken; signal: AbortSignal }
): Promise<CatalogueEntry> {
  const reference = parsePullReference(text)
  if (reference === undefined) throw refuse(text, 'is no place to pull from')
  if (reference.type === 'address') {
    checkWay(reference.address, options.settings)
    return fromAddress(reference.address, options.isTaken)
  }
  const repository = await readHubRepository(reference.repository, reference.revision ?? 'main', options.settings, options.signal)
  return fromHub(text, reference, repository, options.isTaken)
}

function fromAddress(address: string, isTaken: IsTaken): CatalogueEntry {
  const { pathname } = new URL(address)
  const name = decodeURIComponent(pathname.split('/').at(-1) ?? '')
  const names = partsOf(name)
  const files = names.map((part) => ({ name: plain(part), sources: [address.replace(encodeURIComponent(name), encodeURIComponent(part))] }))
  return {
    ...unknown,
    id: freeId(toId(name.replace(/(-00001-of-\d{5})?\.gguf$/i, '')), address, [new URL(address).hostname], isTaken),
    aliases: [address],
    name: name.replace(/\.gguf$/i, ''),
    description: `From ${address}`,
    reference: address,
    files
  }
}

function fromHub(text: string, reference: Extract<PullReference, { type: 'hub' }>, repository: HubRepository, isTaken: IsTaken): CatalogueEntry {
  const { files, quantisation } = choose(text, reference, repository)
  const [organisation = '', name = ''] = repository.name.split('/')
  const short = toId(name.replace(/[-_.]gguf$/i, ''))
  const isGguf = quantisation !== undefined
  const pinned = reference.revision === undefined ? '' : `@${reference.revision}`
  const canonical = `hf:${repository.name}${isGguf ? `:${quantisation}` : ''}${pinned}`
  return {
    ...unknown,
    id: freeId(isGguf ? `${short}:${quantisation.toLowerCase()}` : short, canonical, [organisation, repository.commit.slice(0, 8)], isTaken),
    aliases: [...new Set([canonical, text])],
    name: isGguf ? `${name} ${quantisation}` : name,
    description: `From ${repository.name} on Hugging Face`,
    kind: kindOf(repository.task),
    engine: isGguf ? 'llama' : 'vllm',
    licence: repository.licence,
    ...(repository.licenceUrl === undefined ? {} : { licenceUrl: repository.licenceUrl }),
    ...(repository.parameters === undefined ? {} : { parameters: repository.parameters }),
    contextWindow: repository.contextWindow ?? unknown.contextWindow,
    revision: repository.commit,
    reference: canonical,
    factsFrom: { licence: repository.page, files: `${repository.page} at ${repository.commit}` },
    files: files.map((file) => toFile(file, repository))
  }
}

/** Nobody vouches for what comes from an address, so nobody on the way may change it. */
function checkWay(address: string, settings: SourceSettings): void {
  const { protocol, hostname, host } = new URL(address)
  if (protocol !== 'http:' || hostname === 'localhost' || isPrivateAddress(literalOf(hostname) ?? '')) return
  if (networkRules(settings).trustedHosts?.includes(host) === true) return
  throw refuse(address, 'comes over plain HTTP, where anybody on the way can change it, and nobody vouches for it: use https://')
}

/** What stands in an entry until a header says better. */
const unknown = { kind: 'chat', engine: 'llama', licence: 'NOASSERTION', contextWindow: 1 } as const

function choose(
  text: string,
  { path, quantisation }: Extract<PullReference, { type: 'hub' }>,
  { name, files }: HubRepository
): { files: HubFileFacts[]; quantisation: string | undefined } {
  const find = (wanted: string) => files.find((file) => file.path === wanted)
  if (path !== undefined) {
    const found = partsOf(path).map((part) => find(part) ?? missing(text, name, part))
    return { files: found, quantisation: quantisationOf(path) ?? toId(path.split('/').at(-1) ?? '') }
  }
  const heads = files.filter((file) => /\.gguf$/i.test(file.path) && !/mmproj/i.test(file.path) && (parsePartName(file.path)?.number ?? 1) === 1)
  if (heads.length === 0 && quantisation === undefined) return { files: safetensorsOf(text, files), quantisation: undefined }
  const known = new Map(heads.map((file) => [(quantisationOf(file.path) ?? file.path).toUpperCase(), file]))
  const wanted = quantisation ?? (known.size === 1 ? [...known.keys()][0] : 'Q4_K_M')
  const head = known.get((wanted ?? '').toUpperCase())
  if (head === undefined)
    throw refuse(text, `has no ${wanted}; there are ${[...known.keys()].sort().join(', ')}: hf:${name}:${[...known.keys()].sort()[0]}`)
  return { files: partsOf(head.path).map((part) => find(part) ?? missing(text, name, part)), quantisation: wanted?.toUpperCase() }
}

/** A folder for vLLM: weights, and the small files that say how to use them. Pickles are never taken. */
function safetensorsOf(text: string, files: HubFileFacts[]): HubFileFacts[] {
  const top = files.filter((file) => !file.path.includes('/'))
  if (!top.some(({ path }) => path.endsWith('.safetensors'))) {
    const isPickled = top.some(({ path }) => /\.(bin|pt|pth|pkl|ckpt)$/i.test(path))
    throw refuse(
      text,
      isPickled
        ? 'has its weights only as pickles, which run code when they are opened: they are not pulled'
        : 'has no .gguf and no .safetensors files'
    )
  }
  return top.filter(({ path, size }) => size !== 0 && (/\.(safetensors|json|jinja|model)$/i.test(path) || /^(merges|vocab)\.txt$/i.test(path)))
}

function toFile({ path, size, sha256 }: HubFileFacts, { name, commit }: HubRepository): ModelFile {
  const stated = sha256 === undefined ? {} : { sha256, firstUse: { at: Date.now(), source: `Hugging Face ${name}` } }
  return { name: plain(path.split('/').at(-1) ?? ''), ...(size > 0 ? { size } : {}), ...stated, sources: [`hf:${name}/${path}@${commit}`] }
}

/** `x-00001-of-00003.gguf` → all three. */
function partsOf(path: string): string[] {
  const part = parsePartName(path)
  return part?.number === 1 ? partNames(part, 999) : [path]
}

/** `Qwen3-4B-Q4_K_M.gguf` → `Q4_K_M` */
function quantisationOf(path: string): string | undefined {
  const name = path.replace(/(-\d{5}-of-\d{5})?\.gguf$/i, '')
  return /(?:^|[-._/])((?:UD-)?(?:I?Q\d+(?:_[A-Z0-9]+)*|TQ\d_\d|BF16|F16|FP16|F32|MXFP4(?:_MOE)?))$/i.exec(name)?.[1]?.toUpperCase()
}

function kindOf(task: string | undefined): ModelKind {
  if (task === 'feature-extraction' || task === 'sentence-similarity') return 'embedding'
  return task === 'text-ranking' ? 'rerank' : 'chat'
}

/** Two places may give the same name to different models, and one place two versions. */
function freeId(id: string, reference: string, places: string[], isTaken: IsTaken): string {
  const longer = places.map((place) => `${toId(place)}.${id}`)
  return [id, ...longer].find((candidate) => !isTaken(candidate, reference)) ?? `${toId(places.join('.'))}.${id}`
}

function plain(name: string): string {
  return name.replace(/[^\w.+-]/g, '-').replace(/^[^\w]/, '_')
}

function missing(text: string, repository: string, path: string): never {
  throw refuse(text, `names ${path}, which ${repository} does not have`)
}

function refuse(text: string, what: string): AppError {
  return new AppError('invalid_request', `${text} ${what}`, { param: 'model' })
}
