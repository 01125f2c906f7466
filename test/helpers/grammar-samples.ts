type Expression =
  | { kind: 'text'; text: string }
  | { kind: 'class'; ranges: [number, number][] }
  | { kind: 'rule'; name: string }
  | { kind: 'sequence'; items: Expression[] }
  | { kind: 'choice'; items: Expression[] }
  | { kind: 'repeat'; item: Expression; least: 0 | 1; most: number }

/** Draws texts from a grammar (the part of GBNF that the compiler writes) at random: what a model with no sense at all would write. */
export function createSampler(gbnf: string, random: () => number): () => string {
  const rules = new Map(
    gbnf
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const at = line.indexOf(' ::= ')
        return [line.slice(0, at), parse(line.slice(at + 5))]
      })
  )
  const costs = countCosts(rules)
  const costOf = (expression: Expression) => cost(expression, (name) => costs.get(name) ?? Number.POSITIVE_INFINITY)

  function draw(expression: Expression, budget: { left: number }): string {
    budget.left--
    switch (expression.kind) {
      case 'text':
        return expression.text
      case 'class':
        return drawCharacter(expression.ranges, random)
      case 'rule':
        return draw(rules.get(expression.name) as Expression, budget)
      case 'sequence':
        return expression.items.map((item) => draw(item, budget)).join('')
      case 'choice': {
        // Once the text is long, the shortest way to its end.
        const best = Math.min(...expression.items.map(costOf))
        const open = expression.items.filter((item) => (budget.left > 0 ? Number.isFinite(costOf(item)) : costOf(item) === best))
        return draw(open[Math.floor(random() * open.length)] as Expression, budget)
      }
      case 'repeat': {
        let out = ''
        for (let count = 0; count < expression.most; count++) {
          if (count >= expression.least && (budget.left <= 0 || random() < 0.3)) break
          out += draw(expression.item, budget)
        }
        return out
      }
    }
  }
  const root = rules.get('root') as Expression
  return () => draw(root, { left: 20 + Math.floor(random() ** 3 * 600) })
}

function drawCharacter(ranges: [number, number][], random: () => number): string {
  const [from, to] = ranges[Math.floor(random() * ranges.length)] as [number, number]
  // Large ranges: mostly from their beginning, which has the more interesting characters.
  const size = random() < 0.9 ? Math.min(to - from + 1, 100) : to - from + 1
  return String.fromCodePoint(from + Math.floor(random() * size))
}

function cost(expression: Expression, rule: (name: string) => number): number {
  switch (expression.kind) {
    case 'text':
    case 'class':
      return 1
    case 'rule':
      return 1 + rule(expression.name)
    case 'sequence':
      return expression.items.reduce((sum, item) => sum + cost(item, rule), 0)
    case 'choice':
      return Math.min(...expression.items.map((item) => cost(item, rule)))
    case 'repeat':
      return expression.least === 0 ? 0 : cost(expression.item, rule)
  }
}

function countCosts(rules: Map<string, Expression>): Map<string, number> {
  const costs = new Map<string, number>()
  for (let changed = true; changed; ) {
    changed = false
    for (const [name, expression] of rules) {
      const next = cost(expression, (other) => costs.get(other) ?? Number.POSITIVE_INFINITY)
      if (next < (costs.get(name) ?? Number.POSITIVE_INFINITY)) {
        costs.set(name, next)
        changed = true
      }
    }
  }
  return costs
}

function parse(source: string): Expression {
  const chars = Array.from(source)
  let at = 0
  const skip = () => {
    while (chars[at] === ' ') at++
  }
  const character = (): number => {
    const char = chars[at++] as string
    if (char !== '\\') return char.codePointAt(0) as number
    const kind = chars[at++] as string
    const length = { x: 2, u: 4, U: 8 }[kind]
    if (length === undefined) return (kind === 'n' ? '\n' : kind).codePointAt(0) as number
    at += length
    return Number.parseInt(chars.slice(at - length, at).join(''), 16)
  }
  const choice = (): Expression => {
    const items = [sequence()]
    while (chars[at] === '|') {
      at++
      items.push(sequence())
    }
    return items.length === 1 ? (items[0] as Expression) : { kind: 'choice', items }
  }
  const sequence = (): Expression => {
    const items: Expression[] = []
    for (skip(); at < chars.length && chars[at] !== '|' && chars[at] !== ')'; skip()) {
      const item = atom()
      const mark = chars[at]
      if (mark === '?' || mark === '*') {
        at++
        items.push({ kind: 'repeat', item, least: 0, most: mark === '?' ? 1 : Number.POSITIVE_INFINITY })
      } else items.push(item)
    }
    return { kind: 'sequence', items }
  }
  const atom = (): Expression => {
    const char = chars[at] as string
    if (char === '"') {
      at++
      let text = ''
      while (chars[at] !== '"') text += String.fromCodePoint(character())
      at++
      return { kind: 'text', text }
    }
    if (char === '[') {
      at++
      const ranges: [number, number][] = []
      while (chars[at] !== ']') {
        const from = character()
        if (chars[at] === '-' && chars[at + 1] !== ']') {
          at++
          ranges.push([from, character()])
        } else ranges.push([from, from])
      }
      at++
      return { kind: 'class', ranges }
    }
    if (char === '(') {
      at++
      const item = choice()
      at++
      return item
    }
    const name = /^[a-zA-Z0-9-]+/.exec(chars.slice(at).join(''))?.[0]
    if (name === undefined) throw new Error(`cannot read ${source} at ${at}`)
    at += name.length
    return { kind: 'rule', name }
  }
  return choice()
}
