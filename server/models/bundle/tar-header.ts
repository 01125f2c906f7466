export const blockSize = 512

/** The end of a tar: two empty blocks. */
export const endLength = 2 * blockSize

/** The only header that a file of this name and size can have in a bundle (POSIX ustar; sizes from 8 GiB on as GNU and BSD tar write them). */
export function toTarHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(blockSize)
  // Bundle names are ours: plain ASCII, and far shorter than the field.
  header.write(name, 0, 100, 'latin1')
  header.write('0000644\0', 100, 'latin1')
  header.write('0000000\0', 108, 'latin1')
  header.write('0000000\0', 116, 'latin1')
  if (size < 8 ** 11) header.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1')
  else {
    header[124] = 0x80
    header.writeBigUInt64BE(BigInt(size), 128)
  }
  header.write('00000000000\0', 136, 'latin1')
  header.write('        ', 148, 'latin1')
  header.write('0', 156, 'latin1')
  header.write('ustar\u000000', 257, 'latin1')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}

/** Name, size and kind in a header, for messages and to find the first file's length; undefined where it is none. */
export function readTarHeader(header: Buffer): { name: string; size: number; type: string } | undefined {
  if (header.length < blockSize || header.toString('latin1', 257, 262) !== 'ustar') return undefined
  const text = (start: number, end: number) => header.toString('latin1', start, end).split('\0', 1)[0] ?? ''
  const prefix = text(345, 500)
  const digits = text(124, 136).trim()
  const size = header[124] === 0x80 ? Number(header.readBigUInt64BE(128)) : /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN
  return { name: prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`, size, type: types[text(156, 157)] ?? 'something else' }
}

const types: Record<string, string> = {
  '': 'a file',
  '0': 'a file',
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a device',
  '4': 'a device',
  '5': 'a folder',
  '6': 'a pipe'
}

/** Bytes a file takes in a tar after its header. */
export function padded(size: number): number {
  return Math.ceil(size / blockSize) * blockSize
}
