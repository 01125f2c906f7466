import { fstatSync, readSync } from 'node:fs'
import { WeightsError } from './weights-error.ts'

/** Names only pickles have, and those that are almost always one. */
const pickleName = /\.(pt|pth|ckpt|pkl|pickle|joblib)$|^(pytorch_model|adapter_model|training_args|consolidated|optimizer|scheduler)[\w.-]*\.bin$/i
const edgeBytes = 64 * 1024
/** What may follow the protocol's number: a frame, an empty or marked collection, a name, a number, a text. */
const beginnings: ReadonlySet<number> = new Set(Buffer.from('\x95}])(cNXUBCKMJG\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x96', 'latin1'))
const advice =
  'Outpost does not open it, because opening one runs whatever program its maker put in. Get the model as GGUF or as safetensors; most repositories have one of them beside it'

/** Refuses by its name what can only be a pickle. Throws `WeightsError`. */
export function refusePickleName(name: string): void {
  if (pickleName.test(name)) throw new WeightsError(`has the name of a Python pickle. ${advice}`)
}

/** Refuses by its content what is a pickle, bare or in an archive as PyTorch writes it. Reads its two ends only. Throws `WeightsError`. */
export function refusePickle(fd: number): void {
  const { size } = fstatSync(fd)
  const head = Buffer.alloc(Math.min(edgeBytes, size))
  readSync(fd, head, 0, head.length, 0)
  if (isPickle(head)) throw new WeightsError(`is a Python pickle. ${advice}`)
  if (head.toString('latin1', 0, 4) !== 'PK\u0003\u0004') return
  const tail = Buffer.alloc(Math.min(edgeBytes, size))
  readSync(fd, tail, 0, tail.length, size - tail.length)
  // Names stand uncompressed before each entry and in the directory at the end.
  if ([head, tail].some((part) => /\.pkl|\.pickle/i.test(part.toString('latin1'))))
    throw new WeightsError(`is an archive with a Python pickle in it. ${advice}`)
}

/** Protocols 2 to 5 begin with their number; older ones with text, of which only calls of what lives outside can be told from other text. */
function isPickle(head: Buffer): boolean {
  const [mark, protocol, next] = head
  if (mark === 0x80 && protocol !== undefined && protocol >= 2 && protocol <= 5 && beginnings.has(next ?? 0)) return true
  const text = head.toString('latin1', 0, 512)
  return /^[(\]}]*c(__builtin__|builtins|os|posix|nt|sys|subprocess|runpy|importlib|pickle|copy_?reg|_codecs|collections|torch|numpy)[\w.]*\n\w+\n/.test(
    text
  )
}
