import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { findWeights, weightPlaces } from '../../../server/models/store/find-weights.ts'
import { temporaryFolder } from '../fixtures.ts'

function put(path: string, text = 'x'): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return path
}

test('what Hugging Face, LM Studio and llama.cpp keep is found, each model once', () => {
  using folder = temporaryFolder()
  const home = folder.path
  const hub = join(home, '.cache', 'huggingface', 'hub', 'models--org--repo')
  put(join(hub, 'blobs', 'abc'), 'bytes')
  for (const revision of ['1111', '2222']) {
    mkdirSync(join(hub, 'snapshots', revision), { recursive: true })
    symlinkSync(join('..', '..', 'blobs', 'abc'), join(hub, 'snapshots', revision, 'model.Q4_K_M.gguf'))
  }
  symlinkSync('nowhere', join(hub, 'snapshots', '1111', 'broken.gguf'))
  const studio = put(join(home, '.lmstudio', 'models', 'org', 'repo', 'studio.gguf'))
  const split = put(join(home, '.cache', 'llama.cpp', 'big-00001-of-00002.gguf'))
  put(join(home, '.cache', 'llama.cpp', 'big-00002-of-00002.gguf'))
  put(join(home, '.cache', 'llama.cpp', 'mmproj-model-f16.gguf'))
  put(join(home, '.cache', 'llama.cpp', 'manifest.json'))
  symlinkSync(home, join(home, '.cache', 'llama.cpp', 'circle'))
  assert.deepEqual(findWeights(weightPlaces({}, home, 'linux')), [
    { path: join(hub, 'snapshots', '1111', 'model.Q4_K_M.gguf'), size: 5, program: 'Hugging Face' },
    { path: studio, size: 1, program: 'LM Studio' },
    { path: split, size: 1, program: 'llama.cpp' }
  ])
})

test('the folders follow the variables of their programs', () => {
  const folders = (env: NodeJS.ProcessEnv) => weightPlaces(env, '/home/me', 'linux').map(({ folder }) => folder)
  assert.deepEqual(
    folders({ HF_HUB_CACHE: '/hub', LLAMA_CACHE: '/llama' }).filter((_, i) => i % 3 === 0),
    ['/hub', '/llama']
  )
  assert.equal(folders({ HF_HOME: '/hf' })[0], '/hf/hub')
  assert.equal(folders({ XDG_CACHE_HOME: '/c' })[3], '/c/llama.cpp')
})
