/** The name of one part of a split GGUF, as llama.cpp's gguf-split gives it: `model-00002-of-00003.gguf`. */
export type PartName = { stem: string; number: number; count: number; ending: string }

const form = /^(.*)-(\d{5})-of-(\d{5})(\.gguf)$/i

/** Of a file's name or path. Undefined: it is not the name of a part. */
export function parsePartName(name: string): PartName | undefined {
  const [, stem, number, count, ending] = form.exec(name) ?? []
  return stem === undefined || ending === undefined ? undefined : { stem, number: Number(number), count: Number(count), ending }
}

/** The names of the first `most` parts, in order. */
export function partNames({ stem, count, ending }: PartName, most = count): string[] {
  const digits = (value: number) => String(value).padStart(5, '0')
  return Array.from({ length: Math.min(count, most) }, (_, index) => `${stem}-${digits(index + 1)}-of-${digits(count)}${ending}`)
}
