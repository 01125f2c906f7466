/** As long as the name of an action's parameter may be. */
const maxLength = 256
// Controls, line and paragraph separators, and what turns the direction of text: they make a name look like another one.
const unseen = /[\p{Cc}\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/u

/**
 * What keeps a property's name from being used in references (`$task1.name`: everything after the first dot) and as a key; undefined: nothing.
 * The answer goes on after "the name …".
 */
export function propertyNameProblem(name: string): string | undefined {
  if (name === '') return 'is empty'
  if (name.length > maxLength) return `has ${name.length} characters, more than ${maxLength}`
  if (!name.isWellFormed() || unseen.test(name)) return 'has characters that cannot be seen'
  if (name.trim() !== name) return 'begins or ends with a space'
  if (name.startsWith('.')) return 'begins with a dot, so that no reference could be told from a mistyped one'
  if (/\$[^\s.$]+\./.test(name)) return 'looks like a reference itself'
  // A value put under such a key would be taken for what every object has.
  if (name in Object.prototype) return 'is one that every JavaScript object has'
  return undefined
}
