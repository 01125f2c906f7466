import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { Fit, WeightsDescription } from '#contracts/weights.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { buildGguf, smallGguf, tinyGguf } from '../helpers/gguf.ts'
import { outpost } from './outpost.ts'

test('show says what is in a file, in words and as JSON', async (t) => {
  const home = temporaryFolder(t)
  const path = tinyGguf(join(home, 'tiny.gguf'))
  const words = await outpost(t, ['show', path], { home })
  assert.equal(words.code, 0, words.stderr)
  for (const line of [
    /^Architecture +llama$/m,
    /^Parameters +18,752$/m,
    /^Quantisation +F32$/m,
    /^Context +256 tokens$/m,
    /^Template +other$/m,
    /^Tokenizer +llama, 263 tokens$/m,
    /^Licence +not said$/m,
    /^Tensors +11,/m
  ]) {
    assert.match(words.stdout, line)
  }
  const json = await outpost(t, ['show', path, '--json'], { home })
  assert.equal(WeightsDescription.parse((JSON.parse(json.stdout) as { description: unknown }).description).name, 'Tiny')
})

test('show of a broken file, and of a model that is not here, ends with 1 and the reason', async (t) => {
  const home = temporaryFolder(t)
  writeFileSync(join(home, 'cut.gguf'), buildGguf(smallGguf()).subarray(0, 70))
  const broken = await outpost(t, ['show', join(home, 'cut.gguf')], { home })
  assert.equal(broken.code, 1)
  assert.match(broken.stderr, /cut\.gguf .*70 bytes.*It was not loaded/)
  const absent = await outpost(t, ['show', 'smollm2'], { home })
  assert.equal(absent.code, 1)
  assert.match(absent.stderr, /the weights of smollm2-135m-instruct are not here: outpost pull smollm2-135m-instruct/)
})

test('fit judges a file by its header and a model of the catalogue by an estimate', async (t) => {
  const home = temporaryFolder(t)
  const path = tinyGguf(join(home, 'tiny.gguf'))
  const file = await outpost(t, ['fit', path, '--slots', '2', '--cache', 'q8_0', '--json'], { home })
  const fit = Fit.parse(JSON.parse(file.stdout))
  assert.deepEqual([fit.verdict, fit.isEstimate, fit.contextWindow, fit.slots, fit.cacheType], ['fits', false, 256, 2, 'q8_0'])
  const model = await outpost(t, ['fit', 'smollm2'], { home })
  assert.equal(model.code, 0, model.stderr)
  assert.match(model.stdout, /^fits \(an estimate: .*\)\n4 slots of 8192 tokens, cache in f16: /)
})

test('fit of something that is not known, or asked for wrongly, says so', async (t) => {
  const home = temporaryFolder(t)
  const unknown = await outpost(t, ['fit', 'smolm2'], { home })
  assert.equal(unknown.code, 1)
  assert.match(unknown.stderr, /did you mean/)
  assert.equal((await outpost(t, ['fit', 'smollm2', '--cache', 'q4_0'], { home })).code, 2)
  assert.equal((await outpost(t, ['fit', 'smollm2', '--context', '0'], { home })).code, 2)
})

test('list tells of every model whether it fits', async (t) => {
  const home = temporaryFolder(t)
  const { stdout } = await outpost(t, ['list'], { home })
  assert.match(stdout, /CONTEXT +FITS +LICENCE/)
  assert.match(stdout, /^- +smollm2-135m-instruct +chat +98 MB +absent +8192 +(yes|≤ \d+|partly) +Apache-2\.0$/m)
})
