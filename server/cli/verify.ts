import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { VerificationStatus, VerifiedFile } from '#contracts/store.ts'
import { loadConfig } from '../config.ts'
import { hashFile } from '../models/store/hash-file.ts'
import { createVerification, type Verification } from '../models/store/verification.ts'
import { oneArgument } from './arguments.ts'
import { type Client, findServer } from './client.ts'
import { openLocalModels } from './local-models.ts'
import { findModel } from './models.ts'
import { createStatusLine, harmless, inBytes, say, sayJson } from './terminal.ts'

const lookMs = 200

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options: { json: { type: 'boolean', default: false } }, allowPositionals: true })
  return await verify(oneArgument(positionals, 'MODEL'), values.json)
}

/** Exit code 1 when something is not as it was. */
export async function verify(name: string | undefined, json: boolean): Promise<number> {
  const client = await findServer(loadConfig())
  const status = createStatusLine()
  const show = ({ running }: VerificationStatus) => {
    if (running !== null)
      status.show(`${harmless(running.model)}: ${harmless(running.file)} ${inBytes(running.received)} of ${inBytes(running.total)}`)
  }
  const results = client === undefined ? await verifyHere(name, show) : await verifyThere(client, name, show)
  status.clear()
  if (json) sayJson({ files: results })
  else say(results.length === 0 ? 'There is nothing to verify.' : results.map(describe).join('\n'))
  return results.some(({ state }) => state === 'rotten' || state === 'missing') ? 1 : 0
}

async function verifyThere(client: Client, name: string | undefined, show: (status: VerificationStatus) => void): Promise<VerifiedFile[]> {
  if (name === undefined) await client.call('verifyStore')
  else await client.call('verifyModel', { params: { id: name } })
  for (;;) {
    const status = await client.call('verification')
    if (status.running === null) return status.results
    show(status)
    await delay(lookMs)
  }
}

async function verifyHere(name: string | undefined, show: (status: VerificationStatus) => void): Promise<VerifiedFile[]> {
  const config = loadConfig()
  const { known, store, log } = openLocalModels(config)
  const fetchAgain = async (id: string) => {
    known.lookAgain()
    await known.pull(id)
  }
  const verification: Verification = createVerification({ store, hash: hashFile, fetchAgain, log })
  const timer = setInterval(() => show(verification.status()), lookMs)
  try {
    return await verification.run(name === undefined ? undefined : findModel(known.list(), name).id)
  } finally {
    clearInterval(timer)
  }
}

function describe({ model, file, state, message }: VerifiedFile): string {
  const marks = { right: '✔', unhashed: '✔', mended: '✔', rotten: '✖', missing: '✖' }
  const words = {
    right: 'is what it was',
    unhashed: 'has a sound header; nobody knows its hash',
    mended: 'had rotted, and was fetched again',
    rotten: 'is not what it was',
    missing: 'is missing'
  }
  return `${marks[state]} ${harmless(model)}: ${harmless(file)} ${words[state]}${message === null ? '' : `. ${harmless(message)}`}`
}
