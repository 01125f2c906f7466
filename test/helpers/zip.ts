import { crc32, deflateRawSync } from 'node:zlib'

export type ZipItem = {
  name: string
  bytes: Buffer /** Not deflated. */
  stored?: boolean /** Instead of the true one. */
  claimedSize?: number
  encrypted?: boolean
  method?: number
}

/** The bytes of a zip archive. Source: APPNOTE.TXT of PKWARE, section 4.3. */
export function buildZip(items: ZipItem[], comment = ''): Buffer {
  const parts: Buffer[] = []
  const index: Buffer[] = []
  let offset = 0
  for (const item of items) {
    const name = Buffer.from(item.name)
    const packed = item.stored === true ? item.bytes : deflateRawSync(item.bytes)
    const method = item.method ?? (item.stored === true ? 0 : 8)
    const sizes = [crc32(item.bytes), packed.length, item.claimedSize ?? item.bytes.length]
    const flags = item.encrypted === true ? 1 : 0
    const local = Buffer.concat([
      u32(0x04034b50),
      u16(20),
      u16(flags),
      u16(method),
      u16(0),
      u16(0),
      ...sizes.map(u32),
      u16(name.length),
      u16(4),
      name,
      u32(0)
    ])
    index.push(
      Buffer.concat([u32(0x02014b50), u16(20), u16(20), u16(flags), u16(method), u16(0), u16(0), ...sizes.map(u32)]),
      Buffer.concat([u16(name.length), u16(0), u16(0), u16(0), u16(0), u32(0), u32(offset), name])
    )
    parts.push(local, packed)
    offset += local.length + packed.length
  }
  const directory = Buffer.concat(index)
  const end = [u32(0x06054b50), u16(0), u16(0), u16(items.length), u16(items.length), u32(directory.length), u32(offset), u16(comment.length)]
  return Buffer.concat([...parts, directory, ...end, Buffer.from(comment)])
}

/** A wheel that pip takes: one file beside the metadata it asks for. */
export function buildWheel(name: string, version: string, items: ZipItem[]): Buffer {
  const info = `${name}-${version}.dist-info`
  const text = (path: string, lines: string[]): ZipItem => ({ name: `${info}/${path}`, bytes: Buffer.from(`${lines.join('\n')}\n`) })
  return buildZip([
    ...items,
    text('METADATA', ['Metadata-Version: 2.1', `Name: ${name}`, `Version: ${version}`]),
    text('WHEEL', ['Wheel-Version: 1.0', 'Generator: test', 'Root-Is-Purelib: true', 'Tag: py3-none-any']),
    text('RECORD', [])
  ])
}

function u16(value: number): Buffer {
  const buffer = Buffer.alloc(2)
  buffer.writeUInt16LE(value)
  return buffer
}

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32LE(value >>> 0)
  return buffer
}
