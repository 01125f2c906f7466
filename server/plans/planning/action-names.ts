/** Texts that an action gives as they stand: in quotes, or all after a colon (`Echo this message: hello`). */
export function textsIn(action: string): string[] {
  const quoted = [...action.matchAll(/"([^"]{1,400})"|“([^”]{1,400})”|«([^»]{1,400})»/g)].map(
    ([, plain, curly, angled]) => plain ?? curly ?? angled ?? ''
  )
  const after = /:\s+(\S[\s\S]*)$/.exec(action)?.[1]?.trim()
  return [...new Set([...quoted, ...(after === undefined ? [] : [after])])].filter((text) => text.trim() !== '')
}

/** So many are offered to a model at most. */
const mostNames = 64

/**
 * What in an action may be the name of one thing: texts in quotes, addresses, words with digits or signs inside (`INC-20413`, `energy-use`), and words with capitals where no
 * sentence begins; several of these in a row are one name.
 */
export function namesIn(action: string): string[] {
  const names: string[] = []
  let row: string[] = []
  const endRow = () => {
    if (row.length > 0) names.push(row.join(' '))
    row = []
  }
  let isStart = true
  for (const piece of action.split(/\s+/)) {
    const word = piece.replace(/^[^\p{L}\p{N}+]+|[^\p{L}\p{N}]+$/gu, '').replace(/['’]s$/, '')
    const isCapital = /^\p{Lu}/u.test(word) && word.length > 1 && !isStart
    if (isCapital && !/\p{N}/u.test(word)) row.push(word)
    else {
      endRow()
      if (/\p{N}/u.test(word) || /[\p{L}\p{N}][-_/.:@#][\p{L}\p{N}]/u.test(word) || /\p{Lu}.*\p{Lu}/u.test(word)) names.push(word)
    }
    // A name ends where something else follows.
    if (/[,;:.!?)]$/.test(piece)) endRow()
    isStart = /[.!?]$/.test(piece)
  }
  endRow()
  // Those with digits tell most.
  const telling = names.toSorted((a, b) => Number(/\p{N}/u.test(b) && /\p{L}/u.test(b)) - Number(/\p{N}/u.test(a) && /\p{L}/u.test(a)))
  return [...new Set([...textsIn(action), ...telling])].slice(0, mostNames)
}
