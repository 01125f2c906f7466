import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { parseArgs } from 'node:util'
import type { TrustedSigner } from '#contracts/bundle.ts'
import { loadConfig } from '../../config.ts'
import { AppError } from '../../errors.ts'
import { prepareHome } from '../../home.ts'
import { fingerprintOfFile, toFingerprint } from '../../models/bundle/signing.ts'
import { signersOfHome } from '../../models/bundle/trusted-signers.ts'
import { oneArgument } from '../arguments.ts'
import { harmless, say, sayJson, table } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'

export async function run([verb = '', ...args]: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: { name: { type: 'string' }, json: { type: 'boolean', default: false } },
    allowPositionals: true
  })
  const config = loadConfig()
  const signers = signersOfHome(config.home)
  switch (verb) {
    case 'list': {
      if (positionals.length > 0) throw new UsageError(`signers list takes no argument, got ${positionals.join(' ')}`)
      const all = signers.list()
      if (values.json) sayJson({ signers: all })
      else say(all.length === 0 ? 'Nobody is trusted yet: outpost bundle signers trust FINGERPRINT|KEY.pub' : listed(all))
      return 0
    }
    case 'trust': {
      const fingerprint = fingerprintOf(oneArgument(positionals, 'FINGERPRINT or KEY.pub'))
      prepareHome(config.home)
      const signer = await signers.add({ fingerprint, name: values.name ?? null, by: userInfo().username })
      if (values.json) sayJson({ signer })
      else say(`Bundles signed by ${describe(signer)} are imported from now on.`)
      return 0
    }
    case 'distrust': {
      const fingerprint = fingerprintOf(oneArgument(positionals, 'FINGERPRINT or KEY.pub'))
      prepareHome(config.home)
      if (!(await signers.remove(fingerprint))) throw new AppError('not_found', `${fingerprint} was not trusted: outpost bundle signers list`)
      if (values.json) sayJson({ fingerprint })
      else say(`Bundles signed by ${fingerprint} are refused from now on. What was imported stays.`)
      return 0
    }
    default:
      throw new UsageError(verb === '' ? 'signers wants list, trust or distrust' : `signers has no ${JSON.stringify(verb)}: list, trust or distrust`)
  }
}

/** Throws `UsageError`. */
export function fingerprintOption(option: string, text: string): string {
  const fingerprint = toFingerprint(text)
  if (fingerprint === undefined) throw new UsageError(`${option} wants a fingerprint of 64 hexadecimal digits, got ${JSON.stringify(text)}`)
  return fingerprint
}

function fingerprintOf(text: string): string {
  return toFingerprint(text) ?? (existsSync(text) ? fingerprintOfFile(text) : fingerprintOption('signers', text))
}

function describe({ fingerprint, name }: TrustedSigner): string {
  return name === null ? fingerprint : `${harmless(name)} (${fingerprint})`
}

function listed(signers: readonly TrustedSigner[]): string {
  return table(
    ['FINGERPRINT', 'NAME', 'ADDED', 'BY'],
    signers.map(({ fingerprint, name, addedAt, addedBy }) => [
      fingerprint,
      harmless(name ?? '-'),
      addedAt.slice(0, 16).replace('T', ' '),
      harmless(addedBy)
    ])
  )
}
