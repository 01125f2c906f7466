import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { root } from './processes.ts'

export type Section = { title: string; text: string[] }

const file = join(root, 'docs/benchmarks.md')
const preface = `# Benchmarks

Written by \`npm run bench -- overhead|tokens|llama|start|weights|bundle|fit|plan-engine|plans\`. Ratios within one run count; absolute figures are of the machine named in each section.
`

/** Puts a section in the place of the one with the same title, or at the end. */
export function writeSection({ title, text }: Section): void {
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}`
  const section = `## ${title}\n\n_${machine}_\n\n${text.join('\n\n')}\n`
  const before = existsSync(file) ? readFileSync(file, 'utf8') : preface
  const parts = before.split(/^(?=## )/m)
  const at = parts.findIndex((part) => part.startsWith(`## ${title}\n`))
  if (at === -1) parts.push(`\n${section}`)
  else parts[at] = `${section}${at < parts.length - 1 ? '\n' : ''}`
  writeFileSync(file, parts.join('').replace(/\n{3,}/g, '\n\n'))
  process.stdout.write(`\n${section}`)
}
