import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { accepts } from '../../../../server/engines/llama/grammar/automaton.ts'
import { compilePattern, UnsupportedPattern } from '../../../../server/engines/llama/grammar/regular-expression.ts'

const patterns = [
  ...['', 'ab', '^ab', 'ab$', '^ab$', '^a*b+c?$', 'a|^b$', '^(a|b)*abb$', '^(?:ab|a)(?:bc|c)$', '(^a|b$)', 'a{2}', '^a{2,}$', '^a{1,3}b{0,2}$'],
  ...[
    '^[^ab]$',
    '^[a-c]+$',
    '^[\\w-]+$',
    '^\\d\\D$',
    '^\\s\\S$',
    '^.$',
    '^[\\]\\\\^-]$',
    '^\\x61\\u0062\\u{63}$',
    '^$',
    '^^a$$',
    'a^b',
    '^(a*)*$',
    '^(a|a)*$'
  ],
  ...[
    '^(?=.*a)(?=.*b).{2,3}$',
    '^(?!ab).*$',
    '^(?!.*cc)[abc]{0,4}$',
    '^(?<year>a)b$',
    '^a+?b*?$',
    '[]',
    '^[^]$',
    '^\\/\\.$',
    '^(()|a)+$',
    '^[b-]$',
    '^a{0}b$'
  ]
]

test('an automaton accepts what the regular expression finds a match in', () => {
  const letters = ['a', 'b', 'c', '1', ' ', '-', '\n', '😀', '\\', ']', '^']
  const texts = ['', ...letters, '/.', 'abcabc']
  for (const one of letters) for (const two of letters) texts.push(one + two, `${one}a${two}`, `ab${one}${two}`, `${one}${two}bb`)
  for (const pattern of patterns) {
    const automaton = compilePattern(pattern)
    const expression = new RegExp(pattern, 'u')
    for (const text of texts) assert.equal(accepts(automaton, text), expression.test(text), `${pattern} on ${JSON.stringify(text)}`)
  }
})

test('patterns that make a backtracking matcher explode take linear time', () => {
  for (const pattern of ['^(a+)+$', '^(a|a)*$', '^(a|aa)+$', '(x+x+)+y', '^([a-zA-Z0-9])(([\\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}$']) {
    assert.equal(accepts(compilePattern(pattern), `${'a'.repeat(20_000)}!`), false, pattern)
  }
})

describe('what is not regular, or too large, is refused with its name', () => {
  const refused: [string, RegExp][] = [
    ['(a)\\1', /refers back/],
    ['(?<n>a)\\k<n>', /refers back/],
    ['(?<=a)b', /look-behind/],
    ['a(?=b)', /look-ahead/],
    ['^(?!a)b|c', /alternatives/],
    ['\\bword', /word boundary/],
    ['^\\p{L}+$', /Unicode property/],
    ['(', /./],
    ['a{5000}b{5000}', /too large/],
    ['(a|b)*a(a|b){20}', /states/],
    [`${'('.repeat(200)}a${')'.repeat(200)}`, /nested/],
    ['a'.repeat(6000), /longer/]
  ]
  for (const [pattern, reason] of refused) {
    test(pattern.slice(0, 30), () => {
      assert.throws(
        () => compilePattern(pattern),
        (error) => error instanceof UnsupportedPattern && reason.test(error.message)
      )
    })
  }
})
