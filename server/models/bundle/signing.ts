import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { AppError } from '../../errors.ts'

/** Signs the bytes of a manifest. */
export type Signer = { fingerprint: string; publicKeyPem: string; sign(bytes: Buffer): Buffer }

/** Writes a new private key (mode 0600) and, beside it, `<file>.pub`. Never over something that is there. */
export function createSigningKey(file: string): { fingerprint: string; publicKeyFile: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const publicKeyFile = `${file}.pub`
  write(file, privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, 0o600) // PEM is text
  try {
    write(publicKeyFile, toPem(publicKey), 0o644)
  } catch (error) {
    rmSync(file)
    throw error
  }
  return { fingerprint: fingerprintOf(publicKey), publicKeyFile }
}

/** Throws `AppError('invalid_request')` saying what is wrong with the file. */
export function loadSigner(file: string): Signer {
  const key = load(file, createPrivateKey, 'a private key as outpost bundle keygen makes it')
  const publicKey = createPublicKey(key)
  return { fingerprint: fingerprintOf(publicKey), publicKeyPem: toPem(publicKey), sign: (bytes) => sign(null, bytes, key) }
}

/** Whether others than its owner may read a private key. Windows has no such bits. */
export function isOpenToOthers(file: string): boolean {
  return process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0
}

/** Of a key file, public or private. Throws `AppError('invalid_request')`. */
export function fingerprintOfFile(file: string): string {
  return fingerprintOf(load(file, createPublicKey, 'a public key in PEM form'))
}

/** Undefined: it is no Ed25519 key, or not the one way to write it. */
export function readSignerPem(pem: Buffer): { fingerprint: string; verify(bytes: Buffer, signature: Buffer): boolean } | undefined {
  let key: KeyObject
  try {
    key = createPublicKey(pem)
  } catch {
    return undefined
  }
  if (key.asymmetricKeyType !== 'ed25519' || toPem(key) !== pem.toString('latin1')) return undefined
  return { fingerprint: fingerprintOf(key), verify: (bytes, signature) => verify(null, bytes, key, signature) }
}

/** As people type or paste it: upper case, colons and spaces are the same. Undefined: it is none. */
export function toFingerprint(text: string): string | undefined {
  const digits = text.replace(/[\s:]/g, '').toLowerCase()
  return /^[0-9a-f]{64}$/.test(digits) ? digits : undefined
}

/** sha256 of the key's DER form: `openssl pkey -pubin -in key.pub -outform DER | sha256sum`. */
function fingerprintOf(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
}

function toPem(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }) as string // PEM is text
}

function load(file: string, read: (pem: Buffer) => KeyObject, wanted: string): KeyObject {
  let key: KeyObject
  try {
    key = read(readFileSync(file))
  } catch (error) {
    throw new AppError('invalid_request', `${file} cannot be used as a key: ${(error as Error).message}. It must be ${wanted}.`, { cause: error })
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw new AppError(
      'invalid_request',
      `${file} is a key of type ${key.asymmetricKeyType}; bundles are signed with Ed25519: outpost bundle keygen.`
    )
  return key
}

function write(file: string, text: string, mode: number): void {
  try {
    writeFileSync(file, text, { flag: 'wx', mode, flush: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new AppError('conflict', `${file} is there already; a key is never written over. Name another file.`)
    throw new AppError('invalid_request', `${file} cannot be written: ${(error as Error).message}`, { cause: error })
  }
}
