import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PinnedEntry } from '#contracts/model.ts'
import { createLog } from '../../server/log.ts'
import { pullModel } from '../../server/models/pull/pull.ts'
import { createModelStore, type ModelStore } from '../../server/models/store/store.ts'
import { table } from './overhead.ts'
import { fakeCatalogue, median, percentile, startServer } from './processes.ts'
import type { Section } from './report.ts'

const pieceMiB = 64
const log = createLog({ level: 'silent' })

/** A pull against `curl | sha256sum` of the same file, `/healthz` while a gateway pulls, and the start with many models. */
export async function measureWeights(): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'outpost-bench-weights-'))
  const piece = randomBytes(pieceMiB * 1024 * 1024)
  try {
    const rates = await measureRates(folder, piece, { repetitions: 16, rounds: 3 })
    const health = await measureHealth(folder, piece, { repetitions: 32 })
    const start = measureStart(folder, 100)
    return {
      title: 'Weights',
      text: [
        `A file of 1 GiB from a server on this machine, in turns, medians of 3. \`curl\` writes nothing; a pull ends with the file on the disk (fsync), its sha256 checked, and a CRC-32 of each of its blocks noted.`,
        rates,
        health,
        start
      ]
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measureRates(folder: string, piece: Buffer, { repetitions, rounds }: { repetitions: number; rounds: number }): Promise<string> {
  await using server = await startFiles(piece, repetitions)
  const { size, entry } = server
  const times: Record<string, number[]> = {}
  const time = async (name: string, work: () => unknown) => {
    // A virtual machine gets memory from its host page by page: whoever comes first would pay for all.
    spawnSync('sh', ['-c', `head -c ${size} /dev/zero > ${join(folder, 'warm')}; sync; rm ${join(folder, 'warm')}`])
    const startedAt = performance.now()
    await work()
    const values = times[name] ?? []
    times[name] = values
    values.push(performance.now() - startedAt)
  }
  const curl = (command: string) => () => {
    const { status } = spawnSync('sh', ['-c', command], { stdio: 'ignore' })
    if (status !== 0) throw new Error(`${command} failed`)
  }
  const url = `${server.url}/weights.bin`
  const pull = (connections: number) => async () => {
    const home = join(folder, 'home')
    const sources = { mirrors: [server.url], airGap: false, huggingFace: { endpoint: 'http://127.0.0.1:9', token: undefined } }
    await pullModel({ entry, store: storeIn(home), sources, limits: { connections }, log })
    rmSync(home, { recursive: true })
  }
  for (let i = 0; i < rounds; i++) {
    await time('curl \\| sha256sum', curl(`curl -sS ${url} | sha256sum`))
    await time('pull', pull(4))
    await time('curl \\| openssl sha256', curl(`curl -sS ${url} | openssl dgst -sha256`))
    await time('pull, one connection', pull(1))
    await time('curl to the disk, sync', curl(`curl -sS -o ${join(folder, 'curl')} ${url}; sync ${join(folder, 'curl')}`))
  }
  const of = (name: string) => median(times[name] ?? [])
  const base = of('curl \\| sha256sum')
  const names = ['curl \\| sha256sum', 'curl \\| openssl sha256', 'curl to the disk, sync', 'pull', 'pull, one connection']
  return table(
    ['', 'time', 'rate', 'of curl \\| sha256sum'],
    names.map((name) => [
      name,
      `${of(name).toFixed(0)} ms`,
      `${(size / 1000 / of(name)).toFixed(0)} MB/s`,
      `${((base / of(name)) * 100).toFixed(0)} %`
    ])
  )
}

/** Asks a gateway how it is, one question after the other, before and while it pulls. */
async function measureHealth(folder: string, piece: Buffer, { repetitions }: { repetitions: number }): Promise<string> {
  await using server = await startFiles(piece, repetitions)
  const catalogue = { ...fakeCatalogue, models: [...fakeCatalogue.models, { ...server.entry, engine: 'fake' }] }
  const env = { OUTPOST_MIRRORS: server.url, OUTPOST_ADMIN_KEY: 'bench-administrator-key' }
  const home = join(folder, 'gateway')
  const gateway = await startServer(env, catalogue, home)
  const agent = new Agent({ keepAlive: true })
  const ask = (method: string, path: string, body?: object) =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      const headers = { authorization: 'Bearer bench-administrator-key', ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
      const sent = request({ port: gateway.port, method, path, headers, agent }, (reply) => {
        let text = ''
        reply.setEncoding('utf8').on('data', (more: string) => {
          text += more
        })
        reply.once('end', () => resolve({ status: reply.statusCode ?? 0, text }))
      })
      sent.once('error', reject).end(body === undefined ? undefined : JSON.stringify(body))
    })
  const probe = async (until: () => Promise<boolean> | boolean) => {
    const times: number[] = []
    while (!(await until())) {
      const startedAt = performance.now()
      await ask('GET', '/healthz')
      times.push(performance.now() - startedAt)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    return times
  }
  try {
    let count = 0
    await probe(() => ++count > 200)
    count = 0
    const quiet = await probe(() => ++count > 1000)
    await ask('POST', '/outpost/pulls', { model: server.entry.id })
    const startedAt = performance.now()
    let looks = 0
    const busy = await probe(async () => ++looks % 50 === 0 && !/"state":"running"/.test((await ask('GET', '/outpost/pulls')).text))
    const seconds = (performance.now() - startedAt) / 1000
    const ended = (await ask('GET', '/outpost/pulls')).text
    if (!ended.includes('"state":"done"')) throw new Error(`the pull did not end well: ${ended}`)
    const row = (name: string, times: number[]) => [
      name,
      String(times.length),
      ...[0.5, 0.99, 1].map((share) => `${percentile(times, share).toFixed(2)} ms`)
    ]
    return [
      `\`/healthz\` of a gateway that pulls ${(server.size / 1e9).toFixed(1)} GB (it took ${seconds.toFixed(1)} s), asked one after the other:`,
      table(['', 'asked', 'p50', 'p99', 'longest'], [row('before', quiet), row('during the pull', busy)])
    ].join('\n\n')
  } finally {
    agent.destroy()
    await gateway.stop()
    rmSync(home, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** What the store does at a start: it looks at existence and size, so files of 4 GB cost what files of 4 bytes do. */
function measureStart(folder: string, count: number): string {
  const home = join(folder, 'many')
  const store = storeIn(home)
  mkdirSync(join(home, 'blobs'), { recursive: true })
  for (let i = 0; i < count; i++) {
    const sha256 = createHash('sha256').update(String(i)).digest('hex')
    const handle = openSync(store.blobPath(sha256), 'w')
    ftruncateSync(handle, 4_000_000_000)
    closeSync(handle)
    store.add(entryOf(`model-${i}`, 4_000_000_000, sha256))
  }
  const times = Array.from({ length: 9 }, () => {
    const startedAt = performance.now()
    if (storeIn(home).list().length !== count) throw new Error('models are missing')
    return performance.now() - startedAt
  })
  rmSync(home, { recursive: true })
  return `Start with ${count} models of 4 GB installed: **${(times[0] ?? 0).toFixed(0)} ms** of work the first time, ${median(times).toFixed(0)} ms in the median; nothing is hashed.`
}

async function startFiles(piece: Buffer, repetitions: number) {
  const child: ChildProcess = fork(join(import.meta.dirname, 'weights-server.ts'))
  child.send({ piece: piece.toString('base64'), repetitions })
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  const hash = createHash('sha256')
  for (let i = 0; i < repetitions; i++) hash.update(piece)
  const size = piece.length * repetitions
  return {
    url: `http://127.0.0.1:${port}`,
    size,
    entry: entryOf('bench', size, hash.digest('hex')),
    async [Symbol.asyncDispose]() {
      child.disconnect()
      if (child.exitCode === null) await once(child, 'exit')
    }
  }
}

function storeIn(folder: string): ModelStore {
  return createModelStore({ folder, catalogue: { defaults: { chat: 'bench', embedding: 'bench' }, models: [] }, log })
}

function entryOf(id: string, size: number, sha256: string): PinnedEntry {
  const files = [{ name: 'weights.bin', size, sha256, sources: [] }]
  return { id, aliases: [], name: id, description: '', kind: 'chat', engine: 'llama', licence: 'MIT', contextWindow: 128, files }
}
