import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pullModel } from '../../../server/models/pull/pull.ts'
import { signedHeaders } from '../../../server/models/sources/s3.ts'
import { createModelStore } from '../../../server/models/store/store.ts'
import { startFileServer } from '../file-server.ts'
import { catalogueOf, entryOf, fileOf, settings, silent, someBytes, temporaryFolder } from '../fixtures.ts'

test('requests are signed as the examples of the published algorithm are', () => {
  const key = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', region: 'us-east-1' }
  const at = new Date('2013-05-24T00:00:00Z')
  const signatureOf = (address: string) => signedHeaders('GET', new URL(address), key, at)['authorization']
  assert.equal(
    signatureOf('https://examplebucket.s3.amazonaws.com/?lifecycle'),
    'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'
  )
  assert.match(
    signatureOf('https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J') ?? '',
    /Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7$/
  )
  assert.deepEqual(signedHeaders('GET', new URL('https://bucket.example/'), {}, at), {}, 'without a key nothing is signed')
})

test('the signature goes to the store and not to where it redirects', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes(1000)
  await using elsewhere = await startFileServer(() => ({ bytes }))
  await using store = await startFileServer(() => ({ status: 307, headers: { location: `${elsewhere.url}/x` } }))
  const entry = entryOf([fileOf(bytes, ['s3://bucket/weights.bin'])])
  const s3 = { endpoint: store.url, accessKeyId: 'a', secretAccessKey: 'canary' }
  await pullModel({
    entry,
    store: createModelStore({ folder: folder.path, catalogue: catalogueOf(entry), log: silent }),
    sources: settings({ s3 }),
    log: silent
  })
  assert.match(store.requests[0]?.authorization ?? '', /^AWS4-HMAC-SHA256 Credential=a\//)
  assert.equal(elsewhere.requests[0]?.authorization, undefined)
})

test('an address that is none says what it should be', async () => {
  using folder = temporaryFolder()
  const entry = entryOf([fileOf(someBytes(10), ['s3://bucket', 's3://UPPER/key'])])
  const store = createModelStore({ folder: folder.path, catalogue: catalogueOf(entry), log: silent })
  await assert.rejects(
    pullModel({ entry, store, sources: settings(), log: silent }),
    /s3:\/\/bucket: is not of the form .*s3:\/\/UPPER\/key: is not of the form/
  )
})
