const quoteMark = 0x22
const backslash = 0x5c

/** How many arrays and objects lie in one another at most, without parsing: of JSON exactly, of anything else roughly. */
export function nestingOf(json: string): number {
  let depth = 0
  let deepest = 0
  for (let place = 0; place < json.length; place++) {
    const code = json.charCodeAt(place)
    if (code === quoteMark) place = endOfString(json, place)
    else if (code === 0x5b || code === 0x7b) deepest = Math.max(deepest, ++depth)
    else if (code === 0x5d || code === 0x7d) depth--
  }
  return deepest
}

/** Where the string that begins at `start` ends; the end of the text when it does not. */
function endOfString(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); end !== -1; end = json.indexOf('"', end + 1)) {
    let before = end - 1
    while (json.charCodeAt(before) === backslash) before--
    // An even number of backslashes stand for themselves.
    if ((end - before) % 2 === 1) return end
  }
  return json.length
}
