import type { WantedFile } from './source.ts'

/**
 * Where another Outpost has a file: `https://:KEY@outpost.local:4477`. It serves what lies whole and checked in its store, by hash, to whoever has a
 * key; it fetches nothing for others, so two that name each other as mirrors never wait for one another.
 */
export function outpostPlaces(base: string, { sha256 }: WantedFile): { url: URL; headers: Record<string, string> }[] {
  const { origin, pathname, search, username, password } = new URL(base)
  if (sha256 === undefined || pathname !== '/' || search !== '') return []
  const key = decodeURIComponent(password === '' ? username : password)
  return [{ url: new URL(`/outpost/blobs/${sha256}`, origin), headers: key === '' ? {} : { authorization: `Bearer ${key}` } }]
}
