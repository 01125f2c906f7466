import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findChromium } from './helpers/browser.ts'
import { findS3Server } from './helpers/s3-server.ts'
import { chatWeights, embeddingWeights } from './helpers/weights.ts'

/** `npm test`: brings the weights, leaves out what this machine cannot run (and says why), and runs the rest. Arguments: patterns of files. */
const root = fileURLToPath(new URL('..', import.meta.url))
const patterns = process.argv.slice(2)

await chatWeights()
const leftOut: { files: RegExp; reason: string }[] = []
if ((await embeddingWeights()) === undefined) {
  process.stdout.write(
    'left out: tests of the real embedding model (no place has its weights; point OUTPOST_MIRRORS at a folder with all-MiniLM-L6-v2.Q8_0.gguf)\n'
  )
}
if (process.platform !== 'linux')
  leftOut.push({ files: /^test\/(e2e\/faults|helpers\/server)/, reason: 'it finds processes through /proc, which only Linux has' })

const s3 = findS3Server()
const browser = findChromium()
if ('reason' in browser) leftOut.push({ files: /^test\/renderer\/pages/, reason: browser.reason })

if ('reason' in s3) leftOut.push({ files: /^test\/models\/sources\/s3-server/, reason: s3.reason })

const found = globSync(patterns.length > 0 ? patterns : ['test/**/*.test.ts'], { cwd: root }).sort()
const files = found.filter((file) => {
  const out = leftOut.find((rule) => rule.files.test(file))
  if (out !== undefined) process.stdout.write(`left out: ${file} (${out.reason})\n`)
  return out === undefined
})
if (files.length === 0) {
  process.stderr.write(`no test file matches ${patterns.join(' ')}\n`)
  process.exit(1)
}
const child = spawn(process.execPath, ['--test', '--test-reporter=spec', '--test-concurrency=2', ...files.map((file) => join(root, file))], {
  cwd: root,
  stdio: 'inherit'
})
child.once('exit', (code) => process.exit(code ?? 1))
