import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pullModel } from '../../../server/models/pull/pull.ts'
import type { S3Settings } from '../../../server/models/sources/s3.ts'
import { createModelStore } from '../../../server/models/store/store.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { findS3Server, startS3Server } from '../../helpers/s3-server.ts'
import { assertSameBytes, catalogueOf, entryOf, fileOf, settings, sha256Of, silent, someBytes } from '../fixtures.ts'

// `test/run.ts` leaves this file out, and says why, where no S3 server can be had.
const found = findS3Server()
if ('reason' in found) throw new Error(found.reason)

test('weights come from a real S3 server: by name, by hash, in parts, and as one object with signs in its key', async (t) => {
  const root = temporaryFolder(t)
  const [named, hashed, odd] = [someBytes(5 * 1024 * 1024), someBytes(1000), someBytes(2000)]
  mkdirSync(join(root, 'models', 'some folder+x'), { recursive: true })
  writeFileSync(join(root, 'models', 'some folder+x', 'weights.bin'), named)
  writeFileSync(join(root, 'models', 'some folder+x', `sha256-${sha256Of(hashed)}`), hashed)
  writeFileSync(join(root, 'models', "it's (odd)!*.bin"), odd)
  const { endpoint, accessKeyId, secretAccessKey } = await startS3Server(t, found.file, root)
  const s3 = { endpoint, accessKeyId, secretAccessKey }

  const pull = async (files: ReturnType<typeof fileOf>[], settingsOfS3: S3Settings, mirrors: string[]) => {
    const entry = entryOf(files)
    const store = createModelStore({ folder: temporaryFolder(t), catalogue: catalogueOf(entry), log: silent })
    const model = await pullModel({ entry, store, sources: settings({ mirrors, s3: settingsOfS3 }), limits: { partBytes: 1024 * 1024 }, log: silent })
    return model.files.map(({ path }) => readFileSync(path))
  }
  const mirror = 's3://models/some folder+x'
  const got = await pull([fileOf(named), fileOf(hashed, [], 'other.bin'), fileOf(odd, ["s3://models/it's (odd)!*.bin"], 'odd.bin')], s3, [mirror])
  for (const [index, bytes] of [named, hashed, odd].entries()) assertSameBytes(got[index] ?? Buffer.alloc(0), bytes)

  await assert.rejects(pull([fileOf(someBytes(10), [], 'none.bin')], s3, [mirror]), /s3:\/\/models\/some folder\+x\/: answered 404/)
  await assert.rejects(pull([fileOf(named)], { endpoint }, [mirror]), /answered 403: the bucket is not public: set AWS_ACCESS_KEY_ID/)
  await assert.rejects(pull([fileOf(named)], { ...s3, secretAccessKey: 'wrong-canary' }, [mirror]), (error: Error) => {
    assert.match(error.message, /answered 403: the key of AWS_ACCESS_KEY_ID may not read it/)
    assert.doesNotMatch(error.message, /canary/)
    return true
  })
})
