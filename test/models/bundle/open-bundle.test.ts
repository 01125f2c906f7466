import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, test } from 'node:test'
import type { BundleManifest } from '#contracts/bundle.ts'
import { AppError } from '../../../server/errors.ts'
import { toCanonicalJson } from '../../../server/models/bundle/canonical-json.ts'
import { treeRoot } from '../../../server/models/bundle/hash-tree.ts'
import { toLayout } from '../../../server/models/bundle/layout.ts'
import { openBundle } from '../../../server/models/bundle/open-bundle.ts'
import { blockSize, toTarHeader } from '../../../server/models/bundle/tar-header.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { createRandom } from '../../helpers/random.ts'
import { sha256Of, someBytes } from '../fixtures.ts'
import { chunkSize, exportFrom, forge, type Home, homeWith, importTo, newHome, newSigner, refused, takeApart } from './fixtures.ts'

// The good bundle that every test spoils in its own way, signed by somebody who is trusted: a friend's stick may be damaged or forged as well.
const folder = temporaryFolder({ after })
const signer = newSigner(folder)
const contents = { one: someBytes(5 * chunkSize + 100), two: someBytes(2 * chunkSize) }
const good = join(folder, 'good.outpost')
await exportFrom(homeWith(join(folder, 'source'), contents), good, { signer })
const bytes = readFileSync(good)
const files = takeApart(good)
const layout = toLayout(JSON.parse(String(files.get('manifest.json'))) as BundleManifest, files.get('manifest.json')?.length ?? 0) // ours
const random = createRandom(20261124)

let homes = 0
async function trustingHome(): Promise<Home> {
  const home = newHome(join(folder, `home-${homes++}`))
  await home.signers.add({ fingerprint: signer.fingerprint, name: null, by: 'a test' })
  return home
}

/** Imports spoilt bytes where the signer is trusted, and answers why that was refused. */
async function refusalOf(spoilt: Buffer, home?: Home): Promise<AppError> {
  const path = join(folder, 'spoilt.outpost')
  writeFileSync(path, spoilt)
  const error = await importTo(home ?? (await trustingHome()), path, { allowUnsigned: true }).then(
    () => assert.fail('it was imported'),
    (thrown: unknown) => thrown
  )
  assert.ok(error instanceof AppError, String(error))
  assert.equal(error.code, 'bundle_invalid', String(error))
  assert.doesNotMatch(error.message, /[\p{Cc}\p{Cf}]/u)
  assert.ok(error.message.length < 1000)
  return error
}

const isUntouched = (home: Home) => readdirSync(home.folder).join() === 'trusted-signers.json'

test('a bundle cut short anywhere is refused, and nothing is written', async () => {
  const edges = [0, 1, 511, 512, 513, 1024, layout.headLength - 1, layout.headLength, bytes.length - 1025, bytes.length - 1024, bytes.length - 1]
  for (const length of [...edges, ...Array.from({ length: 60 }, () => Math.floor(random() * bytes.length))]) {
    const home = await trustingHome()
    const { message } = await refusalOf(bytes.subarray(0, length), home)
    assert.match(message, /cut short/, `at ${length}`)
    assert.ok(isUntouched(home), `at ${length}`)
  }
})

test('one bit flipped anywhere is found, at the latest with its chunk, and no wrong byte gets a name', async () => {
  const places = [...layout.head, ...layout.files].flatMap(({ start, body, size }) => [start, start + 156, body, body + size - 1, body + size])
  for (const place of [...places, bytes.length - 1, ...Array.from({ length: 150 }, () => Math.floor(random() * bytes.length))]) {
    const spoilt = Buffer.from(bytes)
    spoilt[place] = (spoilt[place] ?? 0) ^ (1 << Math.floor(random() * 8))
    const home = await trustingHome()
    const { message } = await refusalOf(spoilt, home)
    const hit = layout.files.find(({ body, size }) => place >= body && place < body + size)
    if (hit === undefined) assert.ok(isUntouched(home), `at ${place}: ${message}`)
    else {
      const chunk = Math.floor((place - hit.body) / chunkSize)
      assert.match(
        message,
        new RegExp(
          `^${hit.file.name} is damaged in the bundle: chunk ${chunk + 1} of \\d+, in spoilt\\.outpost from byte ${hit.body + chunk * chunkSize}\\.`
        )
      )
      assert.ok(!existsSync(home.store.blobPath(hit.file.sha256)))
      const [damaged] = home.store.list().filter(({ files }) => files.some(({ sha256 }) => sha256 === hit.file.sha256))
      assert.equal(damaged, undefined)
    }
    for (const name of existsSync(join(home.store.folder, 'blobs')) ? readdirSync(join(home.store.folder, 'blobs')) : []) {
      if (name.endsWith('.import')) continue
      assert.equal(name, `sha256-${sha256Of(readFileSync(join(home.store.folder, 'blobs', name)))}`)
    }
  }
})

test('what stands after the end is refused', async () => {
  for (const more of [Buffer.of(0), Buffer.alloc(512), bytes]) {
    const { message } = await refusalOf(Buffer.concat([bytes, more]))
    assert.match(message, new RegExp(`spoilt\\.outpost has ${more.length} bytes after the end`))
  }
})

test('a bundle signed by a stranger, one whose signature was taken away, and one that was edited are refused', async () => {
  const stranger = newSigner(folder)
  const path = join(folder, 'spoilt.outpost')
  const home = await trustingHome()
  writeFileSync(
    path,
    forge(files, () => undefined, stranger)
  )
  await assert.rejects(
    importTo(home, path, { allowUnsigned: true }),
    refused('bundle_untrusted', new RegExp(`signed by ${stranger.fingerprint}, who is not trusted`))
  )
  writeFileSync(
    path,
    forge(files, (manifest) => ({ ...manifest, signer: null }))
  )
  await assert.rejects(importTo(home, path), refused('bundle_untrusted', /not signed/))
  // The manifest still names its signer, so the signature is missed.
  const start = layout.head[1]?.start ?? 0
  const end = layout.head[3]?.start ?? 0
  assert.match(
    (await refusalOf(Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]), home)).message,
    /"checkpoints\.txt".* where manifest\.sig belongs/
  )
  const edited = forge(files, (manifest) => ({ ...manifest, created: '2020-01-01T00:00:00.000Z' }))
  assert.match((await refusalOf(edited, home)).message, /The signature of the bundle is wrong/)
  const signedOver = forge(new Map(files).set('signer.pem', Buffer.from(stranger.publicKeyPem)), () => undefined)
  assert.match((await refusalOf(signedOver, home)).message, /another key in it than its manifest says/)
  assert.ok(isUntouched(home))
})

test('a trusted signer cannot give other bytes the name of a hash', async () => {
  const wrong = someBytes(contents.two.length)
  const lie = (manifest: BundleManifest) => {
    const mine = checkpointsOf(wrong)
    return { ...manifest, files: manifest.files.map((file) => (file.name === 'two.bin' ? { ...file, root: treeRoot(mine) } : file)) }
  }
  const lines = String(files.get('checkpoints.txt')).trimEnd().split('\n')
  const at = lines.indexOf(checkpointsOf(contents.two)[0] ?? '')
  const checkpoints = Buffer.from(`${lines.toSpliced(at, 2, ...checkpointsOf(wrong)).join('\n')}\n`)
  const spoilt = new Map(files).set('checkpoints.txt', checkpoints).set(`weights/sha256-${sha256Of(contents.two)}`, wrong)
  assert.match((await refusalOf(forge(spoilt, lie, signer))).message, /contradicts itself about the sha256 of two\.bin/)
  assert.match((await refusalOf(forge(spoilt, () => undefined, signer))).message, /checkpoints of two\.bin are not those of the manifest/)
})

test('entries with hostile names, links, devices and doubles are refused by name', async () => {
  const slot = layout.files[1]
  assert.ok(slot !== undefined)
  const retyped = (type: string) => {
    const header = toTarHeader(slot.name, slot.size)
    header.write(type, 156)
    return header
  }
  const cases: [header: Buffer, said: RegExp][] = [
    [toTarHeader('../../.ssh/authorized_keys', slot.size), /a file "\.\.\/\.\.\/\.ssh\/authorized_keys"/],
    [toTarHeader('/etc/passwd', slot.size), /a file "\/etc\/passwd"/],
    [toTarHeader('weights/\u001b[2J', slot.size), /a file "weights\/\\u001b\[2J"/],
    [toTarHeader(layout.files[0]?.name ?? '', slot.size), /where weights\/sha256-/],
    [toTarHeader(slot.name, slot.size + 1), /of 81 ?921|of \d+ bytes where/],
    [retyped('1'), /a hard link/],
    [retyped('2'), /a symbolic link/],
    [retyped('3'), /a device/],
    [retyped('5'), /a folder/],
    [retyped('L'), /something else/],
    [Buffer.alloc(blockSize), /something else/]
  ]
  for (const [header, said] of cases) {
    const spoilt = Buffer.from(bytes)
    header.copy(spoilt, slot.start)
    const home = await trustingHome()
    assert.match((await refusalOf(spoilt, home)).message, said)
    assert.ok(isUntouched(home))
  }
})

test('a manifest that lies is refused, whoever signed it', async () => {
  const rename = (name: string) => (manifest: BundleManifest) => ({
    ...manifest,
    files: manifest.files.map((file) => (file.kind === 'licence' ? { ...file, name } : file)),
    licences: []
  })
  const model = (change: object) => (manifest: BundleManifest) => ({
    ...manifest,
    models: manifest.models.map((entry, i) => (i === 0 ? { ...entry, ...change } : entry))
  })
  const cases: [change: (manifest: BundleManifest) => unknown, said: RegExp][] = [
    [rename('../MIT.txt'), /wrong at files\.0\.name: a plain file name/],
    [rename('a/b.txt'), /wrong at files\.0\.name/],
    [rename('NUL.txt'), /not every system can have/],
    [rename('MIT.txt.'), /not every system can have/],
    [rename('MIT.exe'), /which is no text/],
    [rename('\u001b[2J.txt'), /wrong at files\.0\.name/],
    [(manifest) => ({ ...manifest, files: [...manifest.files, manifest.files[1]] }), /has weights\/sha256-\w+ twice/],
    [(manifest) => ({ ...manifest, models: [...manifest.models, manifest.models[0]] }), /has one twice/],
    [(manifest) => ({ ...manifest, models: manifest.models.slice(1) }), /one\.bin, which belongs to no model/],
    [(manifest) => ({ ...manifest, files: manifest.files.slice(0, -1) }), /lacks the file two\.bin of two/],
    [model({ id: '../one' }), /wrong at models\.0\.id/],
    [model({ id: 'x'.repeat(200) }), /id is too long/],
    [model({ files: [] }), /the model one without a file/],
    [(manifest) => ({ ...manifest, licences: [{ id: 'MIT', file: 'other.txt' }] }), /lacks the text of the licence MIT/],
    [(manifest) => ({ ...manifest, more: 1 }), /wrong at the top/],
    [(manifest) => ({ ...manifest, [`\u001b[2J${'x'.repeat(5000)}`]: 1 }), /wrong at the top/],
    [(manifest) => ({ ...manifest, creator: 'a\u001b[2J' }), /wrong at creator: a text without control/],
    [(manifest) => ({ ...manifest, version: 2 }), /format 2, .* made by a newer one/],
    [(manifest) => ({ ...manifest, chunkSize: 2 ** 30 }), /wrong at chunkSize/],
    [(manifest) => ({ ...manifest, chunkSize: 4097 }), /no multiple of 4096/],
    [(manifest) => ({ ...manifest, files: manifest.files.map((file) => ({ ...file, size: 2 ** 52 })) }), /speaks of \d+ bytes of files/],
    [
      (manifest) => ({
        ...manifest,
        parts: { size: 4096, probes: ['0'.repeat(64)] },
        models: [],
        files: manifest.files.map((file) => ({ ...file, size: 2 ** 40 }))
      }),
      /wrong at models|more than 999 parts/
    ],
    [(manifest) => ({ ...manifest, files: manifest.files.map((file, i) => (i === 0 ? { ...file, size: -1 } : file)) }), /wrong at files\.0\.size/],
    [() => null, /wrong at the top/],
    [() => [], /wrong at the top/]
  ]
  for (const [change, said] of cases) {
    const home = await trustingHome()
    const { message } = await refusalOf(withManifest(change), home)
    assert.match(message, said)
    assert.ok(isUntouched(home), message)
  }
})

test('a manifest that is not written in the one way is refused before it is understood', async () => {
  const text = String(files.get('manifest.json'))
  const cases: [manifest: string | Buffer, said: RegExp][] = [
    ['{', /is no JSON/],
    ['\u009b2J', /is no JSON/],
    [`${'['.repeat(100_000)}${']'.repeat(100_000)}\n`, /is nested 100000 deep/],
    [` ${text}`, /not written in the one way/],
    [text.trimEnd(), /not written in the one way/],
    [text.replace('{', '{"version":2,'), /not written in the one way/],
    [text.replace('"version":1', '"version":1.0'), /not written in the one way/],
    [`\ufeff${text}`, /is no JSON/],
    [Buffer.from([0x22, 0xff, 0x22, 0x0a]), /is no JSON/]
  ]
  for (const [manifest, said] of cases) assert.match((await refusalOf(withText(Buffer.from(manifest)))).message, said)
  const huge = toTarHeader('manifest.json', 2 ** 40)
  assert.match(
    (await refusalOf(Buffer.concat([huge, bytes.subarray(blockSize)]))).message,
    /The manifest has 1099511627776 bytes; 4194304 are possible/
  )
  assert.match((await refusalOf(someBytes(20_000))).message, /does not begin like a bundle/)
  assert.match(
    (await refusalOf(Buffer.concat([toTarHeader('../manifest.json', 10), bytes.subarray(blockSize)]))).message,
    /does not begin like a bundle/
  )
})

/** The good bundle in four parts, in a folder of its own. */
async function splitBundle(
  t: Parameters<typeof temporaryFolder>[0],
  from = join(folder, 'source')
): Promise<{ path: string; part(number: number): string }> {
  const path = temporaryFolder(t)
  const { paths } = await exportFrom(newHome(from), join(path, 'm.outpost'), { signer, partSize: 40_960 })
  assert.equal(paths.length, 4)
  return { path, part: (number) => join(path, `m.outpost.00${number}`) }
}

const refusalIn = async (path: string) => {
  const home = await trustingHome()
  const error = await importTo(home, path).then(
    () => assert.fail('it was imported'),
    (thrown: unknown) => thrown as Error
  )
  assert.ok(isUntouched(home))
  return error.message
}

test('a bundle in parts is found by its folder or any part, and is whole again', async (t) => {
  const { path, part } = await splitBundle(t)
  for (const name of [path, part(1), part(3)]) {
    const home = await trustingHome()
    assert.equal((await importTo(home, name)).models.length, 2)
  }
  assert.deepEqual(
    readdirSync(path)
      .map((name) => readFileSync(join(path, name)).length)
      .slice(0, 3),
    [40_960, 40_960, 40_960]
  )
})

test('parts that are missing, cut, renamed, of another bundle or too many are named', async (t) => {
  const fresh = () => splitBundle(t)
  {
    const { path, part } = await fresh()
    rmSync(part(2))
    assert.match(await refusalIn(path), /A part of the bundle is missing: m\.outpost\.002/)
  }
  {
    const { path, part } = await fresh()
    rmSync(part(1))
    assert.match(await refusalIn(path), /A part of the bundle is missing: m\.outpost\.001/)
  }
  {
    const { path, part } = await fresh()
    rmSync(part(4))
    assert.match(await refusalIn(path), /has 4 parts, and 3 are here: the last ones are missing/)
  }
  {
    const { path, part } = await fresh()
    renameSync(part(2), join(path, 'x'))
    renameSync(part(3), part(2))
    renameSync(join(path, 'x'), part(3))
    assert.match(await refusalIn(path), /m\.outpost\.002 is part 3, and not part 2/)
  }
  {
    const { path, part } = await fresh()
    copyFileSync(part(2), part(3))
    assert.match(await refusalIn(path), /m\.outpost\.003 is part 2, and not part 3/)
  }
  {
    const { path, part } = await fresh()
    truncateSync(part(2), 40_959)
    assert.match(await refusalIn(path), /m\.outpost\.002 is cut short: it has 40959 of 40960 bytes/)
  }
  {
    const { path, part } = await fresh()
    writeFileSync(part(3), Buffer.concat([readFileSync(part(3)), Buffer.of(0)]))
    assert.match(await refusalIn(path), /m\.outpost\.003 has 1 bytes after the end/)
  }
  {
    const { path, part } = await fresh()
    copyFileSync(part(4), part(5))
    assert.match(await refusalIn(path), /has 4 parts, and 5 are here: m\.outpost\.005 is not one of them/)
  }
  {
    // Of the same length, but with other models in it.
    const other = homeWith(temporaryFolder(t), { one: someBytes(contents.one.length), two: someBytes(contents.two.length) })
    const [{ path, part }, foreign] = [await fresh(), await splitBundle(t, other.folder)]
    copyFileSync(foreign.part(3), part(3))
    assert.match(await refusalIn(path), /m\.outpost\.003 belongs to another bundle/)
  }
})

test('links and pipes are no bundles, and a folder must have exactly one', async (t) => {
  const { path, part } = await splitBundle(t)
  const elsewhere = temporaryFolder(t)
  renameSync(part(2), join(elsewhere, basename(part(2))))
  symlinkSync(join(elsewhere, basename(part(2))), part(2))
  assert.match(await refusalIn(path), /m\.outpost\.002 is a link/)
  symlinkSync(good, join(elsewhere, 'linked.outpost'))
  assert.match(await refusalIn(join(elsewhere, 'linked.outpost')), /is a link/)
  mkdirSync(join(elsewhere, 'folder', 'x.outpost'), { recursive: true })
  assert.match(await refusalIn(join(elsewhere, 'folder')), /is no plain file/)
  assert.match(await refusalIn('/dev/null'), /is no plain file/)
  assert.match(await refusalIn(temporaryFolder(t)), /has no bundle: no file in it ends with \.outpost/)
  copyFileSync(good, join(path, 'another.outpost'))
  assert.match(await refusalIn(path), /has several bundles: another\.outpost, m\.outpost\./)
  assert.match(await refusalIn(join(path, 'none.outpost')), /There is no bundle/)
})

test('what is opened is closed, also when it is refused', async () => {
  // Where a system does not tell which files are open, there is nothing to compare.
  const openFiles = () => (existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0)
  const before = openFiles()
  await (await openBundle(good))[Symbol.asyncDispose]()
  await refusalOf(bytes.subarray(0, 3000), newHome(join(folder, 'closed')))
  assert.equal(openFiles(), before)
})

function checkpointsOf(content: Buffer): string[] {
  return Array.from({ length: Math.ceil(content.length / chunkSize) }, (_, i) => sha256Of(content.subarray(0, (i + 1) * chunkSize)))
}

/** A bundle with this manifest, signed as it should be. What follows from a manifest that cannot be laid out does not matter. */
function withManifest(change: (manifest: BundleManifest) => unknown): Buffer {
  const changed = change(JSON.parse(String(files.get('manifest.json'))) as BundleManifest) // ours
  return withText(Buffer.from(toCanonicalJson(changed)))
}

function withText(manifest: Buffer): Buffer {
  const padding = Buffer.alloc(Math.ceil(manifest.length / blockSize) * blockSize - manifest.length)
  const signature = signer.sign(manifest)
  const rest = bytes.subarray(layout.head[2]?.start)
  return Buffer.concat([
    toTarHeader('manifest.json', manifest.length),
    manifest,
    padding,
    toTarHeader('manifest.sig', signature.length),
    signature,
    Buffer.alloc(blockSize - signature.length),
    rest
  ])
}
