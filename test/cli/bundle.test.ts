import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openLocalModels } from '../../server/cli/local-models.ts'
import { loadConfig } from '../../server/config.ts'
import { takeFileLock } from '../../server/models/file-lock.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { callOwner } from '../helpers/owner.ts'
import { until } from '../helpers/processes.ts'
import { fakeCatalogue, startTestServer } from '../helpers/server.ts'
import { homeWith } from '../models/bundle/fixtures.ts'
import { sha256Of, someBytes } from '../models/fixtures.ts'
import { outpost, startOutpostOnTerminal } from './outpost.ts'

test('models go from one home to another by hand: keygen, export, inspect, trust, import', async (t) => {
  const [from, to, stick] = [temporaryFolder(t), temporaryFolder(t), temporaryFolder(t)]
  homeWith(from, { one: someBytes(200_000), two: someBytes(100_000) })
  const key = join(from, 'key.pem')
  const made = await outpost(t, ['bundle', 'keygen', key, '--json'], { home: from })
  assert.equal(made.code, 0, made.stderr)
  const { fingerprint, publicKey } = JSON.parse(made.stdout)

  const exported = await outpost(t, ['bundle', 'export', 'one', 'two-alias', '--sign', key, '--split', '128K', stick], { home: from })
  assert.equal(exported.code, 0, exported.stderr)
  assert.match(exported.stdout, /one\.bin: 100 %, 200 kB of 200 kB/)
  assert.match(
    exported.stdout,
    new RegExp(`^one, two: 30\\d kB in 3 parts, .*/one-and-1-more\\.outpost\\.001 to .*\\.003\\nSigned by ${fingerprint}\\.`, 'm')
  )
  assert.deepEqual(
    readdirSync(stick).sort(),
    ['001', '002', '003'].map((number) => `one-and-1-more.outpost.${number}`)
  )

  const seen = await outpost(t, ['bundle', 'inspect', stick, '--deep'], { home: to })
  assert.equal(seen.code, 0, seen.stderr)
  assert.match(seen.stdout, /^one +chat +200 kB +128 +MIT$/m)
  assert.match(seen.stdout, new RegExp(`Signed by ${fingerprint} \\(not trusted here\\)`))
  assert.match(seen.stdout, /in 3 parts\. Every byte is as it was signed\./)
  assert.deepEqual(readdirSync(to), [], 'inspect leaves a home as it was')

  const refused = await outpost(t, ['bundle', 'import', stick], { home: to })
  assert.deepEqual([refused.code, refused.stdout], [1, ''])
  assert.match(refused.stderr, new RegExp(`^outpost: The bundle is signed by ${fingerprint}, who is not trusted here.*--trust ${fingerprint}`))

  assert.match((await outpost(t, ['bundle', 'signers', 'list'], { home: to })).stdout, /^Nobody is trusted yet/)
  const trusted = await outpost(t, ['bundle', 'signers', 'trust', publicKey, '--name', 'The other site'], { home: to })
  assert.match(trusted.stdout, new RegExp(`^Bundles signed by The other site \\(${fingerprint}\\)`))
  assert.match((await outpost(t, ['bundle', 'signers', 'list'], { home: to })).stdout, new RegExp(`^${fingerprint}  The other site  20\\d\\d-`, 'm'))

  const imported = await outpost(t, ['bundle', 'import', stick], { home: to })
  assert.equal(imported.code, 0, imported.stderr)
  assert.match(
    imported.stdout,
    /two\.bin: 100 %.*\n(?:.*\n)*one is here\.\ntwo is here\.\n300 kB copied to .*models, 0 B were here before; signed by/
  )
  assert.match((await outpost(t, ['list'], { home: to })).stdout, /^✔ {2}two +chat +100 kB +present/m)
  assert.equal(openLocalModels(loadConfig({ OUTPOST_HOME: to })).known.resolve('two-alias').id, 'two')
  const again = JSON.parse((await outpost(t, ['bundle', 'import', join(stick, 'one-and-1-more.outpost.002'), '--json'], { home: to })).stdout)
  assert.deepEqual(again, { models: ['one', 'two'], signer: fingerprint, isNewSigner: false, copied: 0, present: 300_000 })

  const distrusted = await outpost(t, ['bundle', 'signers', 'distrust', fingerprint, '--json'], { home: to })
  assert.deepEqual(JSON.parse(distrusted.stdout), { fingerprint })
  assert.equal((await outpost(t, ['bundle', 'import', stick], { home: to })).code, 1)
  assert.equal((await outpost(t, ['bundle', 'signers', 'distrust', fingerprint], { home: to })).code, 1)
})

test('--trust takes a new signer along, --allow-unsigned a bundle nobody signed, and both are said', async (t) => {
  const [from, to, stick] = [temporaryFolder(t), temporaryFolder(t), temporaryFolder(t)]
  homeWith(from, { one: someBytes(1000) })
  const key = join(from, 'key.pem')
  await outpost(t, ['bundle', 'keygen', key], { home: from })
  chmodSync(key, 0o644)
  const signed = await outpost(t, ['bundle', 'export', 'one', join(stick, 'signed.outpost'), '--sign', key, '--json'], { home: from })
  assert.match(signed.stderr, /^.*key\.pem can be read by others on this machine: chmod 600/)
  const { signer, files } = JSON.parse(signed.stdout)
  assert.deepEqual(files, [join(stick, 'signed.outpost')])
  const plain = await outpost(t, ['bundle', 'export', 'one', join(stick, 'plain.outpost')], { home: from })
  assert.match(plain.stdout, /It is not signed: who imports it must say --allow-unsigned/)

  const { stdout } = await outpost(t, ['bundle', 'import', join(stick, 'plain.outpost'), '--allow-unsigned'], { home: to })
  assert.match(stdout, /one is here\.\n.*of an unsigned bundle\.\n$/)
  const first = await outpost(t, ['bundle', 'import', join(stick, 'signed.outpost'), '--trust', signer.toUpperCase()], { home: to })
  assert.match(first.stdout, /0 B copied .*, 1\.0 kB were here before; signed by .*, who is trusted from now on\.\n$/)
  const [entry] = JSON.parse((await outpost(t, ['bundle', 'signers', 'list', '--json'], { home: to })).stdout).signers
  assert.equal(entry.fingerprint, signer)
  assert.match(entry.addedBy, /by bundle import --trust$/)
  const shown = JSON.parse((await outpost(t, ['bundle', 'inspect', join(stick, 'signed.outpost'), '--json'], { home: to })).stdout)
  assert.deepEqual([shown.manifest.signer, shown.trusted.fingerprint, shown.checked], [signer, signer, 'signature and structure'])
})

test('wrong usage ends with 2 and says what is wanted', async (t) => {
  const home = temporaryFolder(t)
  const cases: [args: string[], said: RegExp][] = [
    [[], /bundle wants one of export, import, inspect, keygen, signers/],
    [['exprot'], /bundle has no "exprot"/],
    [['export', 'smollm2'], /wants one or more MODEL and then DIR or FILE/],
    [['export', 'smollm2', home, '--split', 'much'], /--split must be a size of at least 4096 bytes, as 4G or 700M, got "much"/],
    [['import'], /FILE or DIR is missing/],
    [['import', home, '--trust', '1234'], /--trust wants a fingerprint of 64 hexadecimal digits, got "1234"/],
    [['import', home, '--force'], /Unknown option '--force'/],
    [['signers'], /signers wants list, trust or distrust/],
    [['keygen'], /FILE is missing/]
  ]
  for (const [args, said] of cases) {
    const { code, stderr } = await outpost(t, ['bundle', ...args], { home })
    assert.equal(code, 2, stderr)
    assert.match(stderr, said)
  }
  assert.match((await outpost(t, ['bundle', 'import', '--help'], { home })).stdout, /^Usage: outpost bundle export/)
})

test('what cannot be done ends with 1 and one line', async (t) => {
  const home = temporaryFolder(t)
  const cases: [args: string[], said: RegExp, env?: Record<string, string>][] = [
    [['export', 'smollm2', home], /^outpost: the weights of smollm2-135m-instruct are not here: outpost pull smollm2-135m-instruct\n$/],
    [['export', 'smolm2', home], /^outpost: there is no model "smolm2": did you mean smollm2/],
    [['import', home], /^outpost: .* has no bundle: no file in it ends with \.outpost or \.outpost\.001\.\n$/],
    [['inspect', join(home, 'none')], /^outpost: There is no bundle .*none\.\n$/],
    [['import', home], /^outpost: bundles are files of this machine, and OUTPOST_URL names another server/, { OUTPOST_URL: 'http://127.0.0.1:9' }]
  ]
  for (const [args, said, env] of cases) {
    const { code, stderr } = await outpost(t, ['bundle', ...args], { home, ...(env === undefined ? {} : { env }) })
    assert.equal(code, 1)
    assert.match(stderr, said)
  }
})

test('a damaged bundle is named with part and place by import and inspect --deep', async (t) => {
  const [from, stick] = [temporaryFolder(t), temporaryFolder(t)]
  const bytes = someBytes(200_000)
  homeWith(from, { one: bytes })
  const path = join(stick, 'm.outpost')
  await outpost(t, ['bundle', 'export', 'one', path], { home: from })
  const spoilt = readFileSync(path)
  const at = spoilt.indexOf(bytes.subarray(0, 100)) + 150_000
  spoilt[at] = (spoilt[at] ?? 0) ^ 1
  writeFileSync(path, spoilt)
  for (const args of [
    ['import', path, '--allow-unsigned'],
    ['inspect', path, '--deep']
  ]) {
    const { code, stderr } = await outpost(t, ['bundle', ...args], { home: temporaryFolder(t) })
    assert.equal(code, 1)
    assert.match(stderr, /^outpost: one\.bin is damaged in the bundle: chunk 1 of 1, in m\.outpost from byte \d+\. Copy the bundle again/)
  }
  truncateSync(path, 50_000)
  assert.match((await outpost(t, ['bundle', 'inspect', path], { home: from })).stderr, /m\.outpost is cut short: it has 50000 of \d+ bytes/)
})

test('on a terminal an import draws a bar; Ctrl-C stops it cleanly, and the next one goes on', async (t) => {
  const [from, to, stick] = [temporaryFolder(t), temporaryFolder(t), temporaryFolder(t)]
  const held = someBytes(100_000)
  homeWith(from, { first: someBytes(200_000), second: held })
  const path = join(stick, 'm.outpost')
  await outpost(t, ['bundle', 'export', 'first', 'second', path], { home: from })
  // Somebody else is at the second file, so the import stops there and waits.
  const blobs = join(to, 'models', 'blobs')
  mkdirSync(blobs, { recursive: true })
  const lock = await takeFileLock(join(blobs, `sha256-${sha256Of(held)}.lock`), new AbortController().signal)
  const interrupted = startOutpostOnTerminal(t, ['bundle', 'import', path, '--allow-unsigned'], { home: to })
  await interrupted.says(/first\.bin {2}█+ 100 % {2}200 kB of 200 kB/)
  interrupted.write('\u0003')
  assert.equal(await interrupted.ended, 130)
  assert.match(interrupted.stdout(), /The import was stopped\. What was checked so far is kept/)
  lock[Symbol.dispose]()
  const second = await outpost(t, ['bundle', 'import', path, '--allow-unsigned', '--json'], { home: to })
  assert.equal(second.code, 0, second.stderr)
  assert.deepEqual(JSON.parse(second.stdout), { models: ['first', 'second'], signer: null, isNewSigner: false, copied: 100_000, present: 200_000 })
})

test('a running server has an imported model at its next look', async (t) => {
  const [from, stick] = [temporaryFolder(t), temporaryFolder(t)]
  const home = homeWith(from, { imported: Buffer.from(JSON.stringify({ slots: 2 })) })
  const [model] = home.store.list()
  assert.ok(model !== undefined)
  home.store.add({ ...model.entry, engine: 'fake' })
  const path = join(stick, 'm.outpost')
  await outpost(t, ['bundle', 'export', 'imported', path], { home: from })
  const server = await startTestServer(t, { catalogue: fakeCatalogue })
  const { code, stderr } = await outpost(t, ['bundle', 'import', path, '--allow-unsigned'], { home: server.home })
  assert.equal(code, 0, stderr)
  await until(async () => (await outpost(t, ['load', 'imported'], { home: server.home })).code === 0, 'the server sees it')
  const run = await outpost(t, ['run', 'imported', 'fake: say="carried by hand"'], { home: server.home })
  assert.equal(run.stdout, 'carried by hand\n')
})

test('administrators inspect and import a bundle over HTTP, and see how it goes', async (t) => {
  const [from, stick] = [temporaryFolder(t), temporaryFolder(t)]
  homeWith(from, { one: someBytes(200_000) })
  const path = join(stick, 'one.outpost')
  assert.equal((await outpost(t, ['bundle', 'export', 'one', path], { home: from })).code, 0)
  const server = await startTestServer(t, { catalogue: fakeCatalogue, until: 'listening' })
  const call = async (method: string, what: string, body?: unknown) => {
    const reply = await callOwner(server.socket, method, `/outpost/bundles/${what}`, body)
    return { status: reply.status, body: JSON.parse(await reply.text()) }
  }
  const anybody = await fetch(`${server.url}/outpost/bundles/import`, {
    method: 'POST',
    body: JSON.stringify({ path }),
    headers: { 'content-type': 'application/json' }
  })
  assert.equal(anybody.status, 403)
  assert.deepEqual((await call('GET', 'import')).body, { import: null })
  assert.deepEqual((await call('GET', 'signers')).body, { signers: [] })

  const seen = await call('POST', 'inspect', { path })
  assert.equal(seen.status, 200)
  assert.deepEqual([seen.body.manifest.models[0].id, seen.body.manifest.signer, seen.body.trusted], ['one', null, null])
  const missing = await call('POST', 'import', { path: join(stick, 'none.outpost') })
  assert.deepEqual([missing.status, missing.body.error.code], [400, 'bundle_invalid'])
  const refused = await call('POST', 'import', { path })
  assert.deepEqual([refused.status, refused.body.error.code], [403, 'bundle_untrusted'])
  assert.ok(!existsSync(join(server.home, 'models', 'blobs')), 'nothing of what is refused is written')

  assert.equal((await call('POST', 'import', { path, allowUnsigned: true })).status, 202)
  await until(async () => (await call('GET', 'import')).body.import.state !== 'running', 'the import ends')
  const { import: ended } = (await call('GET', 'import')).body
  assert.deepEqual([ended.state, ended.received, ended.total, ended.models, ended.error], ['done', 200_000, 200_000, ['one'], null])
  const { models } = JSON.parse(await (await callOwner(server.socket, 'GET', '/outpost/models')).text())
  assert.equal(models.find(({ id }: { id: string }) => id === 'one').state, 'present')
  const again = await call('POST', 'import', { path, allowUnsigned: true })
  assert.deepEqual([again.status, again.body.import.state], [202, 'done'], 'what is here is not read again')
})

test('what the policy of a machine denies is not taken in, and nothing of it is written', async (t) => {
  const [from, to] = [temporaryFolder(t), temporaryFolder(t)]
  homeWith(from, { one: someBytes(1000) })
  const file = join(from, 'one.outpost')
  assert.equal((await outpost(t, ['bundle', 'export', 'one', file], { home: from })).code, 0)
  await startTestServer(t, { home: to, until: 'listening' })
  const setPolicy = async (policy: object) =>
    assert.equal((await outpost(t, ['policy', 'set', '-'], { home: to, input: JSON.stringify(policy) })).code, 0)
  const take = () => outpost(t, ['bundle', 'import', file, '--allow-unsigned'], { home: to })
  await setPolicy({ signers: { deny: ['unsigned'] } })
  const unsigned = await take()
  assert.equal(unsigned.code, 1)
  assert.match(unsigned.stderr, /one may not be imported: the policy of this machine denies unsigned bundles/)
  await setPolicy({ licences: { allow: ['Apache-2.0'] } })
  assert.match((await take()).stderr, /one may not be imported: .*does not allow the licence MIT \(allowed: Apache-2\.0\)/)
  assert.ok(!existsSync(join(to, 'models', 'blobs')))
  await setPolicy({})
  assert.equal((await take()).code, 0)
})
