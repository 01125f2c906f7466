import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Texts that come with Outpost. Its own licence is one that many weights have. */
const packaged = [{ id: 'Apache-2.0', path: fileURLToPath(new URL('../../../LICENSE', import.meta.url)) }]

/**
 * The text of a licence by its SPDX id: `licences/<id>.txt` in the models folder, where bundles leave theirs and users may put their own, else one that comes
 * with Outpost. Undefined: there is none, or the id is no SPDX id.
 */
export function findLicenceText(folder: string, id: string): { name: string; text: string } | undefined {
  if (!/^[A-Za-z0-9][\w.+-]{0,90}$/.test(id)) return undefined
  const ours = packaged.find((licence) => licence.id.toLowerCase() === id.toLowerCase())
  const name = `${ours?.id ?? id}.txt`
  const text = readText(join(folder, 'licences', name)) || (ours === undefined ? '' : readText(ours.path))
  return text === '' ? undefined : { name, text }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
