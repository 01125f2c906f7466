type TensorSpec = { dtype: string; shape: number[]; data_offsets?: [number, number]; [extra: string]: unknown }

const bytesOf: Readonly<Record<string, number>> = { U8: 1, F16: 2, BF16: 2, F32: 4 }

/** The bytes of a safetensors file, also of one that lies: tensors one after the other, with as much data as the true ones need. Text is taken as the header. */
export function buildSafetensors(tensors: Record<string, TensorSpec> | string): Buffer {
  if (typeof tensors === 'string') return framed(tensors, 0)
  let end = 0
  const header = Object.entries(tensors).map(([name, tensor]) => {
    const size = tensor.shape.reduce((product, dimension) => product * dimension, 1) * (bytesOf[tensor.dtype] ?? 1)
    const offsets = tensor.data_offsets ?? [end, end + size]
    if (tensor.data_offsets === undefined) end += size
    return [name, { ...tensor, data_offsets: offsets }]
  })
  const stated = Math.max(end, ...Object.values(tensors).map(({ data_offsets }) => Math.min(data_offsets?.[1] ?? 0, 64)))
  return framed(JSON.stringify(Object.fromEntries(header)), stated)
}

/** A small one that passes every check. */
export function smallSafetensors(): Buffer {
  return buildSafetensors({ a: { dtype: 'F32', shape: [2, 3] }, b: { dtype: 'BF16', shape: [4] } })
}

function framed(header: string, dataBytes: number): Buffer {
  const text = Buffer.from(header)
  const padding = Buffer.alloc((8 - (text.length % 8)) % 8, ' ')
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length + padding.length))
  return Buffer.concat([length, text, padding, Buffer.alloc(dataBytes)])
}
