import { UsageError } from '../usage-error.ts'

const units: Record<string, number> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 }
const smallest = 4096

/** Bytes of `700M`, `4G`, `1.5GiB`, `4GB`, `1000000`, as `split` has them: without a B they count in powers of 1024. Throws `UsageError`. */
export function parseSize(option: string, text: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmgt]?i?b?)$/i.exec(text.trim()) ?? []
  const factor = units[unit.toLowerCase().replace('ib', '').replace(/^b$/, '').replace(/i$/, '')]
  const size = Math.floor(Number(digits) * (factor ?? Number.NaN))
  if (digits !== '' && size >= smallest && Number.isSafeInteger(size)) return size
  throw new UsageError(`--${option} must be a size of at least ${smallest} bytes, as 4G or 700M, got ${JSON.stringify(text)}`)
}
