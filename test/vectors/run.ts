import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { z } from 'zod'
import { answered } from './answered.ts'

/** One case. `expected` is what the subject's check holds the product against. */
const Vector = z.looseObject({ name: z.string(), input: z.unknown(), expected: z.unknown() })
const VectorFile = z.looseObject({ header: z.looseObject({ concern: z.string() }), vectors: z.array(Vector) })

/** Throws where the product does otherwise. `vector` is the whole case, with what only some subjects have. */
export type Check = (input: unknown, expected: unknown, vector: Record<string, unknown>) => void | Promise<void>

/** `answered`: we do better than the case asks; the note says where that is decided. */
export type Outcome = { subject: string; name: string; result: 'passed' | 'failed' | 'answered'; detail: string }

export const ownVectors = join(import.meta.dirname, 'plan-engine')

/** Runs every case of every `<subject>.json` in a folder through `subjects/<subject>.ts`, in order. A subject nobody knows fails. */
export async function* runVectors(folder: string): AsyncGenerator<Outcome> {
  const files = globSync('*.json', { cwd: folder }).sort()
  if (files.length === 0) throw new Error(`there are no vectors (*.json) in ${folder}`)
  for (const file of files) {
    const subject = basename(file, '.json')
    const { vectors } = VectorFile.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')))
    const module = join(import.meta.dirname, 'subjects', `${subject.replaceAll('_', '-')}.ts`)
    const check: Check | undefined = existsSync(module) ? (await import(pathToFileURL(module).href)).check : undefined
    for (const vector of vectors) yield await runOne(subject, vector, check)
  }
}

async function runOne(subject: string, vector: z.infer<typeof Vector>, check: Check | undefined): Promise<Outcome> {
  const { name } = vector
  const reason = answered[`${subject}: ${name}`]
  if (check === undefined) return { subject, name, result: 'failed', detail: `no check for the subject ${subject}` }
  try {
    await check(vector.input, vector.expected, vector)
    if (reason === undefined) return { subject, name, result: 'passed', detail: '' }
    return { subject, name, result: 'failed', detail: 'it passes although answered.ts says that we do otherwise; take it out there' }
  } catch (error) {
    if (reason !== undefined) return { subject, name, result: 'answered', detail: reason }
    return { subject, name, result: 'failed', detail: error instanceof Error ? error.message : inspect(error) }
  }
}

if (process.argv[1] === import.meta.filename) {
  const counts = { passed: 0, failed: 0, answered: 0 }
  for await (const { subject, name, result, detail } of runVectors(resolve(process.env['VECTORS'] ?? ownVectors))) {
    counts[result]++
    process.stdout.write(`${result.padEnd(8)} ${subject}: ${name}${detail === '' ? '' : ` – ${detail.replace(/\s*\n\s*/g, ' | ').slice(0, 400)}`}\n`)
  }
  process.stdout.write(`${counts.passed} passed, ${counts.answered} answered by a decision, ${counts.failed} failed\n`)
  process.exitCode = counts.failed === 0 ? 0 : 1
}
