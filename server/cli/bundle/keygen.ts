import { parseArgs } from 'node:util'
import { createSigningKey } from '../../models/bundle/signing.ts'
import { oneArgument } from '../arguments.ts'
import { say, sayJson } from '../terminal.ts'

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options: { json: { type: 'boolean', default: false } }, allowPositionals: true })
  const file = oneArgument(positionals, 'FILE')
  const { fingerprint, publicKeyFile } = createSigningKey(file)
  if (values.json) sayJson({ privateKey: file, publicKey: publicKeyFile, fingerprint })
  else {
    say(`${file} signs bundles: keep it to yourself, it has no password. ${publicKeyFile} is for everybody.`)
    say(`Fingerprint: ${fingerprint}`)
  }
  return 0
}
